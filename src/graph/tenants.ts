import type { BlacklistEntry } from '../blacklist.ts'
import type { SuspendTenant, Tenants } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import { ENTRY, entriesOf, LOCK_FEED } from './blacklist.ts'
import type { Engine, Row } from './engine.ts'
import { boolean, integer, text } from './row.ts'

const TENANT = `tenant.id AS id, tenant.name AS name, tenant.status AS status,
  tenant.generation AS generation`

export function createTenants(engine: Engine): Tenants {
  return {
    find: (name) => find(engine, name),
    add: (tenant) => add(engine, tenant),
    list: () => list(engine),
    suspend: (suspension) => suspend(engine, suspension),
    reinstate: (tenant) => reinstate(engine, tenant),
  }
}

async function find(engine: Engine, name: string): Promise<Tenant | undefined> {
  const [row] = await engine.read(`MATCH (tenant:Tenant {name: $name}) RETURN ${TENANT}`, { name })
  return row && tenantOf(row)
}

async function add(engine: Engine, tenant: Pick<Tenant, 'id' | 'name'>): Promise<boolean> {
  const [row] = await engine.write(
    `MERGE (tenant:Tenant {name: $name})
       ON CREATE SET tenant.id = $id, tenant.status = 'active', tenant.generation = 0
     RETURN tenant.id = $id AS mine`,
    { ...tenant },
  )
  return row !== undefined && boolean(row, 'mine')
}

async function list(engine: Engine): Promise<Tenant[]> {
  const rows = await engine.read(`MATCH (tenant:Tenant) RETURN ${TENANT} ORDER BY name`)
  return rows.map(tenantOf)
}

// Its sessions are not looked at: there may be a million. The entry stays for as long as any that is
// open now may last, and whoever opens one meanwhile was given the generation that it ends.
async function suspend(
  engine: Engine,
  suspension: SuspendTenant,
): Promise<BlacklistEntry | undefined> {
  const [row] = await engine.write(
    `${LOCK_FEED}
MATCH (tenant:Tenant {id: $tenant}) SET tenant.locked = true
WITH feed, now, tenant
CALL {
  MATCH (entry:BlacklistEntry {id: $tenant}) WHERE entry.operation = $operation
  RETURN collect(${ENTRY}) AS done
}
WITH feed, now, tenant, done, tenant.generation AS generation,
  (now / 1000 + 1 + $sessionSeconds) * 1000 AS until,
  size(done) = 0 AND tenant.status = 'active' AS fresh
FOREACH (_ IN CASE WHEN fresh THEN [1] ELSE [] END |
  SET feed.seq = feed.seq + 1
  CREATE (:BlacklistEntry {seq: feed.seq, scope: 'tenant', id: $tenant, generation: generation,
    kind: 'ended', at: now, \`from\`: now, until: until, reason: 'suspended', operation: $operation}
  )-[:BLACKLISTS]->(tenant)
  SET tenant.status = 'suspended', tenant.generation = generation + 1)
RETURN CASE WHEN fresh
  THEN [{seq: feed.seq, scope: 'tenant', id: $tenant, generation: generation, kind: 'ended', at: now,
    from: now, until: until, reason: 'suspended', operation: $operation}]
  ELSE done END AS entries`,
    { ...suspension },
  )
  return row && entriesOf(row)[0]
}

async function reinstate(engine: Engine, tenant: string): Promise<void> {
  await engine.write(`MATCH (tenant:Tenant {id: $tenant}) SET tenant.status = 'active'`, { tenant })
}

function tenantOf(row: Row): Tenant {
  return {
    id: text(row, 'id'),
    name: text(row, 'name'),
    status: text(row, 'status') as Tenant['status'],
    generation: integer(row, 'generation'),
  }
}

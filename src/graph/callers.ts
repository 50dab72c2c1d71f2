import type { BlacklistEntry } from '../blacklist.ts'
import { type Caller, type CallerScope, callerScopes } from '../caller.ts'
import { AuthError } from '../error.ts'
import type { CallerStatus } from '../operator.ts'
import type { Callers, HeldKey, NewCaller, Revoke, Rotate } from '../store.ts'
import { type BatchCounts, createBatch } from './batch.ts'
import { ENTRY, entriesOf, inOrder, LOCK_FEED } from './blacklist.ts'
import type { GraphClock } from './clock.ts'
import type { Engine, Row } from './engine.ts'
import { boolean, integer, rows, text } from './row.ts'

/**
 * How long an entry about a caller or a key stays, in ms. What processes remember of callers is asked
 * again after minutes, and the graph itself says that it is over: a day is ample.
 */
const ENTRY_MS = 86_400_000

export function createCallers(
  engine: Engine,
  clock: GraphClock,
): Callers & { counts: Record<string, BatchCounts> } {
  const byKey = createBatch({
    most: 1_000,
    keyOf: (id: string) => id,
    run: (ids) => heldKeys(engine, clock, ids),
  })
  const byCertificate = createBatch({
    most: 1_000,
    keyOf: (name: string) => name,
    run: (names) => certified(engine, clock, names),
  })
  return {
    add: (caller) => add(engine, caller),
    byKey,
    byCertificate,
    find: (name) => find(engine, name),
    list: () => list(engine),
    rotate: (rotation) => rotate(engine, rotation),
    revoke: (revocation) => revoke(engine, revocation),
    counts: { caller_key: byKey.counts, caller_certificate: byCertificate.counts },
  }
}

// A tenant is never removed, so that it is there when the caller is added if it was there before.
async function add(engine: Engine, { tenant, key, ...caller }: NewCaller): Promise<boolean> {
  if (tenant !== null) {
    const found = await engine.read(
      'MATCH (tenant:Tenant {name: $tenant}) RETURN tenant.id AS id',
      {
        tenant,
      },
    )
    if (found.length === 0) throw new AuthError('tenant_does_not_exist')
  }
  const bound = `WITH caller, mine MATCH (tenant:Tenant {name: $tenant})
     FOREACH (_ IN CASE
         WHEN mine AND NOT EXISTS { MATCH (caller)-[:OF]->(:Tenant) } THEN [1] ELSE [] END |
       CREATE (caller)-[:OF]->(tenant))`
  const keyed = `FOREACH (_ IN CASE
         WHEN mine AND NOT EXISTS { MATCH (caller)-[:HOLDS]->(:ApiKey) } THEN [1] ELSE [] END |
       CREATE (caller)-[:HOLDS]->(:ApiKey {id: $key, hash: $hash, createdAt: timestamp()}))`
  const [row] = await engine.write(
    `MERGE (caller:Caller {name: $name})
       ON CREATE SET caller.id = $id, caller.scopes = $scopes, caller.certificate = $certificate,
         caller.status = 'active', caller.createdAt = timestamp()
     WITH caller, caller.id = $id AS mine
     ${key === null ? '' : keyed}
     ${tenant === null ? '' : bound}
     RETURN mine`,
    { ...caller, certificate: key === null, tenant, key: key?.id ?? null, hash: key?.hash ?? null },
  )
  return row !== undefined && boolean(row, 'mine')
}

const CALLER = `caller.id AS id, caller.name AS name, caller.scopes AS scopes, tenants`
const COLLECT_TENANT = `CALL {
  WITH caller MATCH (caller)-[:OF]->(tenant:Tenant)
  RETURN collect({id: tenant.id, name: tenant.name}) AS tenants
}`

async function heldKeys(
  engine: Engine,
  clock: GraphClock,
  ids: string[],
): Promise<(HeldKey | undefined)[]> {
  const found = await engine.read(
    `UNWIND $rows AS row
CALL {
  WITH row MATCH (key:ApiKey {id: row.id})<-[:HOLDS]-(caller:Caller)
  RETURN key, caller
}
${COLLECT_TENANT}
RETURN row.at AS at, key.hash AS hash, key.until AS until, timestamp() AS now, ${CALLER}`,
    { rows: ids.map((id, at) => ({ id, at })) },
  )
  for (const row of found) clock.observe(integer(row, 'now'))
  return inOrder(found, ids.length, (row, at) => ({
    id: ids[at] as string,
    hash: text(row, 'hash'),
    until: instant(row, 'until'),
    caller: callerOf(row),
  }))
}

async function certified(
  engine: Engine,
  clock: GraphClock,
  names: string[],
): Promise<(Caller | undefined)[]> {
  const found = await engine.read(
    `UNWIND $rows AS row
CALL {
  WITH row MATCH (caller:Caller {name: row.name})
  WHERE caller.certificate AND caller.status = 'active'
  RETURN caller
}
${COLLECT_TENANT}
RETURN row.at AS at, timestamp() AS now, ${CALLER}`,
    { rows: names.map((name, at) => ({ name, at })) },
  )
  for (const row of found) clock.observe(integer(row, 'now'))
  return inOrder(found, names.length, callerOf)
}

function callerOf(row: Row): Caller {
  const [tenant] = rows(row, 'tenants')
  return {
    id: text(row, 'id'),
    name: text(row, 'name'),
    scopes: scopesOf(row),
    tenant: tenant ? { id: text(tenant, 'id'), name: text(tenant, 'name') } : null,
  }
}

// What a newer program may have written is no right here.
function scopesOf({ scopes }: Row): CallerScope[] {
  return callerScopes.filter((scope) => (scopes as string[]).includes(scope))
}

function instant(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column)
}

async function find(
  engine: Engine,
  name: string,
): Promise<{ id: string; certificate: boolean } | undefined> {
  const [row] = await engine.read(
    `MATCH (caller:Caller {name: $name}) WHERE caller.status = 'active'
     RETURN caller.id AS id, caller.certificate AS certificate`,
    { name },
  )
  return row && { id: text(row, 'id'), certificate: boolean(row, 'certificate') }
}

async function list(engine: Engine): Promise<CallerStatus[]> {
  const found = await engine.read(
    `MATCH (caller:Caller)
${COLLECT_TENANT}
CALL {
  WITH caller MATCH (caller)-[:HOLDS]->(key:ApiKey)
  RETURN collect({id: key.id, createdAt: key.createdAt, until: key.until}) AS keys
}
RETURN ${CALLER}, caller.certificate AS certificate, caller.status AS status,
  caller.createdAt AS createdAt, caller.formerly AS formerly, caller.revokedAt AS revokedAt, keys,
  timestamp() AS now
ORDER BY createdAt, id`,
  )
  return found.map((row) => {
    const { tenant, ...caller } = callerOf(row)
    const now = integer(row, 'now')
    const keys = rows(row, 'keys').map((key) => ({
      id: text(key, 'id'),
      createdAt: integer(key, 'createdAt'),
      until: instant(key, 'until'),
    }))
    return {
      ...caller,
      name: row.formerly === null ? caller.name : text(row, 'formerly'),
      status: text(row, 'status') as CallerStatus['status'],
      tenant: tenant?.name ?? null,
      certificate: boolean(row, 'certificate'),
      createdAt: integer(row, 'createdAt'),
      revokedAt: instant(row, 'revokedAt'),
      keys: keys
        .filter(({ until }) => until === null || until > now)
        .sort((a, b) => a.createdAt - b.createdAt),
    }
  })
}

// The entries of an operation by which a repeat of it is recognised.
const COLLECT_DONE = `CALL {
  WITH caller
  MATCH (caller)<-[:BLACKLISTS]-(entry:BlacklistEntry {operation: $operation})
  RETURN collect(${ENTRY}) AS done
}`

// An entry about each key that ends sooner than it did, so that who remembers the key hears of it. What
// ends at once has 0 for its end: the statement's time is that of its begin, which others may be past.
// The new key itself tells a repeat.
async function rotate(
  engine: Engine,
  { caller, key, overlapSeconds }: Rotate,
): Promise<BlacklistEntry[] | undefined> {
  const [row] = await engine.write(
    `${LOCK_FEED}
MATCH (caller:Caller {id: $caller}) SET caller.locked = true
WITH feed, now, now + $overlapMs AS ends, caller
${COLLECT_DONE}
CALL {
  WITH caller MATCH (caller)-[:HOLDS]->(key:ApiKey) WHERE key.id = $key
  RETURN count(key) AS made
}
CALL {
  WITH caller, now MATCH (caller)-[:HOLDS]->(key:ApiKey) WHERE key.until <= now
  RETURN collect(key) AS past
}
CALL {
  WITH caller, ends MATCH (caller)-[:HOLDS]->(key:ApiKey) WHERE key.until IS NULL OR key.until > ends
  RETURN collect(key) AS old, collect(key.id) AS ids
}
WITH feed, now, ends, caller, done, made, past, old, ids,
  made = 0 AND caller.status = 'active' AND NOT caller.certificate AS fresh
WITH feed, now, ends, caller, done, made, fresh,
  CASE WHEN fresh THEN past ELSE [] END AS past, CASE WHEN fresh THEN old ELSE [] END AS old,
  CASE WHEN fresh THEN ids ELSE [] END AS ids
SET feed.seq = feed.seq + size(ids)
WITH feed.seq - size(ids) AS base, now, ends, caller, done, made, fresh, past, old, ids
FOREACH (key IN past | DETACH DELETE key)
FOREACH (key IN old | SET key.until = CASE WHEN $overlapMs = 0 THEN 0 ELSE ends END)
FOREACH (i IN range(0, size(ids) - 1) |
  CREATE (:BlacklistEntry {seq: base + i + 1, scope: 'key', id: ids[i], kind: $kind, at: now,
    \`from\`: ends, until: ends + $entryMs, reason: 'operator', operation: $operation}
  )-[:BLACKLISTS]->(caller))
FOREACH (_ IN CASE WHEN fresh THEN [1] ELSE [] END |
  CREATE (caller)-[:HOLDS]->(:ApiKey {id: $key, hash: $hash, createdAt: now}))
RETURN fresh OR made = 1 AS holds, CASE WHEN fresh
  THEN [i IN range(0, size(ids) - 1) | {seq: base + i + 1, scope: 'key', id: ids[i],
    generation: null, kind: $kind, at: now, from: ends, until: ends + $entryMs, reason: 'operator',
    operation: $operation}]
  ELSE done END AS entries`,
    {
      caller,
      key: key.id,
      hash: key.hash,
      operation: key.id,
      overlapMs: overlapSeconds * 1000,
      kind: overlapSeconds === 0 ? 'ended' : 'superseded',
      entryMs: ENTRY_MS,
    },
  )
  return row && boolean(row, 'holds') ? entriesOf(row) : undefined
}

// Its name is free again: what is kept of it is a record, and its keys are gone.
async function revoke(
  engine: Engine,
  { caller, operation }: Revoke,
): Promise<BlacklistEntry | undefined> {
  const [row] = await engine.write(
    `${LOCK_FEED}
MATCH (caller:Caller {id: $caller}) SET caller.locked = true
WITH feed, now, caller
${COLLECT_DONE}
CALL { WITH caller MATCH (caller)-[:HOLDS]->(key:ApiKey) RETURN collect(key) AS keys }
WITH feed, now, caller, done, keys, caller.status = 'active' AS fresh
FOREACH (_ IN CASE WHEN fresh THEN [1] ELSE [] END |
  SET feed.seq = feed.seq + 1
  CREATE (:BlacklistEntry {seq: feed.seq, scope: 'caller', id: caller.id, kind: 'ended', at: now,
    \`from\`: now, until: now + $entryMs, reason: 'operator', operation: $operation}
  )-[:BLACKLISTS]->(caller)
  SET caller.status = 'revoked', caller.revokedAt = now, caller.formerly = caller.name,
    caller.name = caller.name + '#' + caller.id)
FOREACH (key IN CASE WHEN fresh THEN keys ELSE [] END | DETACH DELETE key)
RETURN CASE WHEN fresh
  THEN [{seq: feed.seq, scope: 'caller', id: caller.id, generation: null, kind: 'ended', at: now,
    from: now, until: now + $entryMs, reason: 'operator', operation: $operation}]
  ELSE done END AS entries`,
    { caller, operation, entryMs: ENTRY_MS },
  )
  return row && entriesOf(row)[0]
}

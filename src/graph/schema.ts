import { AuthError } from '../error.ts'
import type { NewId } from '../id.ts'
import { DEFAULT_TENANT } from '../user.ts'
import type { Engine } from './engine.ts'
import { integer } from './row.ts'

/** The version of the graph's model that this program writes. */
export const SCHEMA_VERSION = 1

const unique = [
  ['Tenant', 'name'],
  ['Tenant', 'id'],
  ['User', 'key'],
  ['User', 'id'],
  ['Session', 'id'],
  ['Token', 'id'],
  ['Caller', 'name'],
  ['Caller', 'id'],
  ['ApiKey', 'id'],
  ['BlacklistEntry', 'seq'],
  ['Feed', 'name'],
  ['Lease', 'name'],
  ['Schema', 'name'],
] as const

// Entries are found by what they are about; prune goes by time. Ended is a second label of sessions.
const indexed = [
  ['BlacklistEntry', 'id'],
  ['BlacklistEntry', 'until'],
  ['Token', 'expiresAt'],
  ['Ended', 'endedAt'],
] as const

/**
 * Makes the schema where it is missing; any number of processes may do so at once. Throws a plain
 * error when the graph was written by a newer program, and changes nothing then.
 */
export async function prepareSchema(engine: Engine, newId: NewId): Promise<void> {
  await readVersion(engine)
  for (const [label, property] of unique) await engine.requireUnique(label, property)
  for (const [label, property] of indexed) await engine.requireIndex(label, property)
  // The feed's random epoch tells a restored or new graph from the one that was followed before.
  await engine.write(
    `MERGE (schema:Schema {name: 'sessiongraph'}) ON CREATE SET schema.version = $version
     MERGE (feed:Feed {name: 'blacklist'}) ON CREATE SET feed.seq = 0, feed.epoch = $epoch
     MERGE (tenant:Tenant {name: $tenant})
       ON CREATE SET tenant.id = $id, tenant.status = 'active', tenant.generation = 0`,
    { version: SCHEMA_VERSION, epoch: newId(), tenant: DEFAULT_TENANT, id: newId() },
  )
  await readVersion(engine)
}

/**
 * Throws service_unavailable unless the graph answers and holds the schema, and a plain error where
 * that is a newer one. Gives the graph's time in ms.
 */
export async function checkSchema(engine: Engine): Promise<number> {
  const now = await readVersion(engine)
  if (now !== undefined) return now
  throw new AuthError('service_unavailable', { detail: 'The schema is not there yet.' })
}

async function readVersion(engine: Engine): Promise<number | undefined> {
  const [row] = await engine.read(
    `MATCH (schema:Schema {name: 'sessiongraph'})
     RETURN schema.version AS version, timestamp() AS now`,
  )
  if (!row) return undefined
  const version = integer(row, 'version')
  if (version <= SCHEMA_VERSION) return integer(row, 'now')
  throw new Error(
    `the graph has schema version ${version}, this program knows ${SCHEMA_VERSION}: run a newer one`,
  )
}

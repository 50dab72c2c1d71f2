import type { Prunable, Pruning } from '../store.ts'
import type { Engine } from './engine.ts'
import { boolean, integer } from './row.ts'

export function createPruning(engine: Engine): Pruning {
  return {
    lease: (name, holder, ms) => lease(engine, name, holder, ms),
    release: (name, holder) => release(engine, name, holder),
    ended: (kind, before, limit) => ended(engine, kind, before, limit),
    remove: (kind, keys, before) => remove(engine, kind, keys, before),
  }
}

async function lease(engine: Engine, name: string, holder: string, ms: number): Promise<boolean> {
  const [row] = await engine.write(
    `MERGE (lease:Lease {name: $name}) SET lease.locked = true
     WITH lease, lease.until IS NULL OR lease.until <= timestamp() OR lease.holder = $holder AS mine
     FOREACH (_ IN CASE WHEN mine THEN [1] ELSE [] END |
       SET lease.holder = $holder, lease.until = timestamp() + $ms)
     RETURN mine`,
    { name, holder, ms },
  )
  return row !== undefined && boolean(row, 'mine')
}

async function release(engine: Engine, name: string, holder: string): Promise<void> {
  await engine.write(
    `MATCH (lease:Lease {name: $name}) SET lease.locked = true
     WITH lease WHERE lease.holder = $holder
     SET lease.until = 0`,
    { name, holder },
  )
}

// The first look costs as much as there is to remove on Neo4j, and a scan of 50 ns a node on the
// embedded engine, which has no index for ranges; the removal itself goes by key.
const candidates: Record<Prunable, string> = {
  token: `MATCH (token:Token) WHERE token.expiresAt < $before RETURN token.id AS key LIMIT $limit`,
  session: `MATCH (session:Ended) WHERE session.endedAt < $before
    RETURN session.id AS key LIMIT $limit`,
  entry: `MATCH (entry:BlacklistEntry) WHERE entry.until < $before
    AND NOT EXISTS { MATCH (entry)-[:BLACKLISTS]->(:Token) }
    AND NOT EXISTS { MATCH (entry)-[:BLACKLISTS]->(:Session) }
    RETURN entry.seq AS key LIMIT $limit`,
}

async function ended(
  engine: Engine,
  kind: Prunable,
  before: number,
  limit: number,
): Promise<(string | number)[]> {
  const rows = await engine.read(candidates[kind], { before, limit })
  return rows.map(({ key }) => key as string | number)
}

// Each looks again after it has the lock: what was read before may have changed. A session left without
// tokens has ended, since only a token that is not expired can be refreshed; it is marked, and its time
// is that of its last token, so that it can be kept for a while.
const removals: Record<Prunable, string> = {
  token: `UNWIND $keys AS key
MATCH (token:Token {id: key})<-[:ISSUED]-(session:Session)
WITH session, token ORDER BY session.id, token.id
SET session.locked = true, token.locked = true
WITH session, token WHERE token.expiresAt < $before
WITH session, token, token.expiresAt AS expiresAt
DETACH DELETE token
WITH session, count(*) AS removed, max(expiresAt) AS endedAt
CALL { WITH session MATCH (session)-[:ISSUED]->(other:Token) RETURN count(other) AS left }
FOREACH (_ IN CASE WHEN left = 0 THEN [1] ELSE [] END |
  SET session:Ended, session.endedAt = endedAt)
RETURN coalesce(sum(removed), 0) AS removed`,
  session: `UNWIND $keys AS key
MATCH (session:Session {id: key}) SET session.locked = true
WITH session WHERE session.endedAt < $before
  AND NOT EXISTS { MATCH (session)-[:ISSUED]->(:Token) }
  AND NOT EXISTS { MATCH (session)-[:DELEGATED]->(:Session) }
DETACH DELETE session
RETURN count(*) AS removed`,
  entry: `UNWIND $keys AS key
MATCH (entry:BlacklistEntry {seq: key}) SET entry.locked = true
WITH entry WHERE entry.until < $before
DETACH DELETE entry
RETURN count(*) AS removed`,
}

async function remove(
  engine: Engine,
  kind: Prunable,
  keys: (string | number)[],
  before: number,
): Promise<number> {
  const [row] = await engine.write(removals[kind], { keys: keys.toSorted(), before })
  return row ? integer(row, 'removed') : 0
}

import { type BlacklistEntry, EVERYONE, type Reason, type Scope } from '../blacklist.ts'
import type { EndSession } from '../store.ts'
import { ownSession, type Token } from '../token.ts'
import { type Batch, createBatch } from './batch.ts'
import type { Engine, Row } from './engine.ts'
import { integer, rows, text } from './row.ts'

/**
 * The first clause of every statement that touches the feed. One plain SET takes the lock; whoever reads
 * and sets the counter in one go deadlocks with others who do the same.
 */
export const LOCK_FEED = `MATCH (feed:Feed {name: 'blacklist'}) SET feed.locked = true
WITH feed, timestamp() AS now`

/** An entry as a map of all it says. */
export const ENTRY = `{seq: entry.seq, scope: entry.scope, id: entry.id,
  generation: entry.generation, before: entry.before, kind: entry.kind, at: entry.at,
  from: entry.\`from\`, until: entry.until, reason: entry.reason, operation: entry.operation}`

/** Collects as `entries` what the graph holds about the ids of `row.path`. */
export const COLLECT_ENTRIES = `CALL {
  WITH row
  UNWIND row.path AS step
  MATCH (entry:BlacklistEntry {id: step})
  RETURN collect(${ENTRY}) AS entries
}`

/**
 * Whether nothing on the path of `row` has ended. The same rule as the domain's, stated once more
 * where it must hold within the statement that writes.
 */
export const NOTHING_ENDED = `NOT any(entry IN entries WHERE entry.kind = 'ended' AND CASE
  WHEN entry.before IS NOT NULL THEN row.authTime < entry.before
  WHEN entry.generation IS NULL THEN true
  WHEN entry.scope = 'user' THEN row.generation <= entry.generation
  ELSE row.tenantGeneration <= entry.generation END)`

/** A token's path as the parameters that the clauses above read. */
export interface Path {
  token: string
  session: string
  root: string
  user: string
  generation: number
  tenantGeneration: number
  authTime: number
  /** The ids of everything on it, from everyone's to the token's. */
  path: string[]
}

export function pathOf(token: Token): Path {
  return {
    token: token.id,
    session: ownSession(token),
    root: token.sessions[0],
    user: token.user.id,
    generation: token.user.generation,
    tenantGeneration: token.tenant.generation,
    authTime: token.authTime,
    path: [EVERYONE, token.tenant.id, token.user.id, ...token.sessions, token.id],
  }
}

/** The entries that COLLECT_ENTRIES collected. */
export function entriesOf(row: Row): BlacklistEntry[] {
  return rows(row, 'entries').map(entryOf)
}

export function entryOf(entry: Row): BlacklistEntry {
  return {
    seq: integer(entry, 'seq'),
    scope: text(entry, 'scope') as Scope,
    id: text(entry, 'id'),
    generation: entry.generation === null ? null : integer(entry, 'generation'),
    before: entry.before == null ? null : integer(entry, 'before'),
    kind: text(entry, 'kind') as BlacklistEntry['kind'],
    at: integer(entry, 'at'),
    from: integer(entry, 'from'),
    until: integer(entry, 'until'),
    reason: text(entry, 'reason') as Reason,
    operation: text(entry, 'operation'),
  }
}

interface Ending {
  token: Token
  how: EndSession
}

/**
 * Writes one entry about the token's session or the token, unless its path has ended before. It stays
 * until the last of the tokens that it ends is expired: a session that has ended issues no more.
 */
export function createEnd(engine: Engine): Batch<Ending, BlacklistEntry | undefined> {
  return createBatch({
    most: 256,
    keyOf: ({ token }) => ownSession(token),
    run: (endings) => end(engine, endings),
  })
}

async function end(engine: Engine, endings: Ending[]): Promise<(BlacklistEntry | undefined)[]> {
  const ended = await engine.write(
    `${LOCK_FEED}
UNWIND $rows AS row
CALL {
  WITH row MATCH (session:Session {id: row.session})-[:ISSUED]->(token:Token)
  WHERE row.scope = 'session'
  RETURN session AS target, max(token.expiresAt) AS until
  UNION
  WITH row MATCH (token:Token {id: row.token}) WHERE row.scope = 'token'
  RETURN token AS target, token.expiresAt AS until
}
${COLLECT_ENTRIES}
WITH feed, now, row, target, until, entries, ${NOTHING_ENDED} AS fresh
WITH feed, now, collect({row: row, target: target, until: until, entries: entries, fresh: fresh})
  AS seen
WITH feed, now, seen, size([one IN seen WHERE one.fresh]) AS count
SET feed.seq = feed.seq + count
WITH now, feed.seq - count AS base, seen
UNWIND range(0, size(seen) - 1) AS i
WITH now, seen[i] AS one, seen[i].row AS row, seen[i].target AS target,
  base + size([k IN range(0, i) WHERE seen[k].fresh]) AS seq
FOREACH (_ IN CASE WHEN one.fresh THEN [1] ELSE [] END |
  CREATE (:BlacklistEntry {seq: seq, scope: row.scope, id: target.id, kind: 'ended', at: now,
    \`from\`: now, until: one.until, reason: row.reason, operation: row.operation}
  )-[:BLACKLISTS]->(target))
RETURN row.at AS at, CASE WHEN one.fresh
  THEN [{seq: seq, scope: row.scope, id: target.id, generation: null, kind: 'ended', at: now,
    from: now, until: one.until, reason: row.reason, operation: row.operation}]
  ELSE [entry IN one.entries WHERE entry.operation = row.operation] END AS entries`,
    { rows: inLockOrder(endings.map(({ token, how }, at) => ({ ...pathOf(token), ...how, at }))) },
  )
  return inOrder(ended, endings.length, (row) => entriesOf(row)[0])
}

/** Rows in the one order in which every statement locks its sessions. */
export function inLockOrder<R extends Path>(rows: R[]): R[] {
  return rows.toSorted((a, b) => (a.session < b.session ? -1 : 1))
}

/** The results of rows by their place; undefined for a row that the statement did not return. */
export function inOrder<T>(
  found: Row[],
  count: number,
  resultOf: (row: Row, at: number) => T,
): (T | undefined)[] {
  const results = new Array<T | undefined>(count).fill(undefined)
  for (const row of found) {
    const at = integer(row, 'at')
    results[at] = resultOf(row, at)
  }
  return results
}

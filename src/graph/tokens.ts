import type { Sight } from '../blacklist.ts'
import type { NewToken, Refreshed, Tokens } from '../store.ts'
import { ownSession, type Token } from '../token.ts'
import { type BatchCounts, createBatch } from './batch.ts'
import {
  COLLECT_ENTRIES,
  entriesOf,
  entryOf,
  inLockOrder,
  inOrder,
  LOCK_FEED,
  NOTHING_ENDED,
  pathOf,
} from './blacklist.ts'
import type { GraphClock } from './clock.ts'
import type { Engine, Row } from './engine.ts'
import { boolean, integer, rows, text } from './row.ts'

interface Refreshing {
  token: Token
  next: NewToken
}

export function createTokens(
  engine: Engine,
  clock: GraphClock,
): Tokens & { counts: Record<string, BatchCounts> } {
  const refreshing = createBatch({
    most: 256,
    keyOf: ({ token }: Refreshing) => token.id,
    run: (batch) => refresh(engine, clock, batch),
  })
  const seeing = createBatch({
    most: 1_000,
    keyOf: ({ id }: Token) => id,
    run: (tokens) => sight(engine, clock, tokens),
  })
  return {
    sight: seeing,
    refresh: (token, next) => refreshing({ token, next }),
    counts: { sight: seeing.counts, refresh: refreshing.counts },
  }
}

// Each look-up stands in its own subquery, where both engines start at the index.
const COLLECT_PATH = `CALL {
  WITH row MATCH (:Token {id: row.token})<-[:ISSUED]-(session:Session)
  RETURN collect(session.id) AS issuers
}
CALL {
  WITH row MATCH (:Session {id: row.root})<-[:OPENED]-(user:User)-[:MEMBER_OF]->(tenant:Tenant)
  WHERE tenant.id = row.path[1]
  RETURN collect(user.id) AS owners
}`

const UNKNOWN: Sight = { known: false, entries: [] }

// The path alone goes out and one row comes back: names of members, a row a token, cost as much again.
async function sight(engine: Engine, clock: GraphClock, tokens: Token[]): Promise<Sight[]> {
  const [seen] = await engine.read(
    `UNWIND range(0, size($paths) - 1) AS at
WITH at, $paths[at] AS path
WITH at, {token: path[-1], root: path[3], path: path} AS row
${COLLECT_PATH}
${COLLECT_ENTRIES}
RETURN timestamp() AS now, collect({at: at, entries: entries,
  known: row.path[-2] IN issuers AND row.path[2] IN owners}) AS sights`,
    { paths: tokens.map((token) => pathOf(token).path) },
  )
  if (seen === undefined) return tokens.map(() => UNKNOWN)
  clock.observe(integer(seen, 'now'))
  const sights = inOrder(rows(seen, 'sights'), tokens.length, (row) => ({
    known: boolean(row, 'known'),
    entries: entriesOf(row),
  }))
  return sights.map((one) => one ?? UNKNOWN)
}

function sightOf(row: Row, token: Token): Sight {
  const { issuers, owners } = row as { issuers: string[]; owners: string[] }
  return {
    known: issuers.includes(ownSession(token)) && owners.includes(token.user.id),
    entries: entriesOf(row),
  }
}

async function refresh(
  engine: Engine,
  clock: GraphClock,
  batch: Refreshing[],
): Promise<Refreshed[]> {
  const refreshed = await engine.write(
    `${LOCK_FEED}
UNWIND $rows AS row
CALL {
  WITH row MATCH (old:Token {id: row.token})<-[:ISSUED]-(session:Session {id: row.session})
  RETURN old, session
}
${COLLECT_PATH}
CALL {
  WITH old MATCH (old)-[:REFRESHED_TO]->(new:Token)
  RETURN collect({id: new.id, kid: new.kid, issuedAt: new.issuedAt, expiresAt: new.expiresAt})
    AS successors
}
${COLLECT_ENTRIES}
WITH feed, now, row, old, session, issuers, owners, entries, successors,
  size(successors) = 0 AND old.expiresAt > now AND row.user IN owners AND ${NOTHING_ENDED} AS fresh,
  (now / 1000 + row.tokenSeconds) * 1000 AS due
WITH feed, now, collect({row: row, old: old, session: session, issuers: issuers, owners: owners,
  entries: entries, successors: successors, fresh: fresh,
  expiresAt: CASE WHEN due < session.expiresAt THEN due ELSE session.expiresAt END}) AS seen
WITH feed, now, seen, size([one IN seen WHERE one.fresh]) AS count
SET feed.seq = feed.seq + count
WITH now, feed.seq - count AS base, seen
UNWIND range(0, size(seen) - 1) AS i
WITH now, seen[i] AS one, seen[i].row AS row, seen[i].old AS old, seen[i].session AS session,
  base + size([k IN range(0, i) WHERE seen[k].fresh]) AS seq
FOREACH (_ IN CASE WHEN one.fresh THEN [1] ELSE [] END |
  CREATE (old)-[:REFRESHED_TO]->(new:Token {id: row.next, kid: row.kid,
    issuedAt: now / 1000 * 1000, expiresAt: one.expiresAt})
  CREATE (session)-[:ISSUED]->(new)
  CREATE (:BlacklistEntry {seq: seq, scope: 'token', id: row.token, kind: 'superseded', at: now,
    \`from\`: now + row.graceSeconds * 1000, until: old.expiresAt, reason: 'refresh',
    operation: row.next})-[:BLACKLISTS]->(old))
RETURN row.at AS at, one.issuers AS issuers, one.owners AS owners, one.entries AS entries,
  one.successors + CASE WHEN one.fresh
    THEN [{id: row.next, kid: row.kid, issuedAt: now / 1000 * 1000, expiresAt: one.expiresAt}]
    ELSE [] END AS successors,
  CASE WHEN one.fresh
    THEN [{seq: seq, scope: 'token', id: row.token, generation: null, kind: 'superseded', at: now,
      from: now + row.graceSeconds * 1000, until: old.expiresAt, reason: 'refresh',
      operation: row.next}]
    ELSE [entry IN one.entries WHERE entry.operation = row.next] END AS made`,
    {
      rows: inLockOrder(
        batch.map(({ token, next }, at) => ({ ...pathOf(token), ...rowOf(next), at })),
      ),
    },
  )
  const results = inOrder(refreshed, batch.length, (row, at) =>
    refreshedOf(row, (batch[at] as Refreshing).token),
  )
  for (const one of results) if (one?.entry) clock.reach(one.entry.at)
  return results.map((one) => one ?? { sight: UNKNOWN, successor: undefined, entry: undefined })
}

function rowOf({ id, kid, tokenSeconds, graceSeconds }: NewToken) {
  return { next: id, kid, tokenSeconds, graceSeconds }
}

function refreshedOf(row: Row, token: Token): Refreshed {
  const [successor] = rows(row, 'successors')
  const [made] = rows(row, 'made')
  return {
    sight: sightOf(row, token),
    successor: successor && successorOf(token, successor),
    entry: made && entryOf(made),
  }
}

/** The successor's claims are the old token's but for its own id, key and dates. */
function successorOf(token: Token, row: Row): Token {
  return {
    ...token,
    id: text(row, 'id'),
    kid: text(row, 'kid'),
    issuedAt: integer(row, 'issuedAt'),
    expiresAt: integer(row, 'expiresAt'),
  }
}

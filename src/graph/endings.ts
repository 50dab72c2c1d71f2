import type { BlacklistEntry, Reason } from '../blacklist.ts'
import type { EndSome } from '../store.ts'
import { entriesOf, LOCK_FEED } from './blacklist.ts'
import type { Engine } from './engine.ts'
import { IS_LIVE, LIFE, TENANT_GENERATION } from './live.ts'

/** Which sessions of a user a statement is about: a subquery over `user` that gives them as `found`. */
const THAT = `MATCH (session:Session {id: $session})<-[:OPENED]-(owner:User) WHERE owner.id = user.id
  RETURN collect(session) AS found`
const ALL = `MATCH (user)-[:OPENED]->(session:Session) WITH session ORDER BY session.id
  RETURN collect(session) AS found`
// In the order in which they were opened. One that is not there any more is over.
const RECENT = `UNWIND user.recent AS id MATCH (session:Session {id: id})
  RETURN collect(session) AS found`

interface Ending {
  user: string
  reason: Reason
  operation: string
}

/** Ends one live session of a user, or all others; undefined if that one is not the user's. */
export async function endSome(
  engine: Engine,
  { which, ...ending }: EndSome,
): Promise<BlacklistEntry[] | undefined> {
  return which === 'that'
    ? end(engine, THAT, 'live', ending)
    : end(
        engine,
        ALL,
        `CASE WHEN any(one IN seen WHERE one.id = $session)
           THEN [one IN live WHERE one.id <> $session] END`,
        ending,
      )
}

/** Ends the oldest of a user's live sessions, so that `most` are left. */
export async function endOldest(
  engine: Engine,
  ending: Ending & { most: number },
): Promise<BlacklistEntry[]> {
  const oldest = `live[0..CASE WHEN size(live) > $most THEN size(live) - $most ELSE 0 END]`
  return (await end(engine, RECENT, oldest, ending)) ?? []
}

/**
 * One write about some of a user's sessions: `found` is a subquery that gives them, `chosen` an expression
 * over those that are live that says which of them end, null for a refusal.
 */
async function end(
  engine: Engine,
  found: string,
  chosen: string,
  parameters: Ending & { session?: string; most?: number },
): Promise<BlacklistEntry[] | undefined> {
  const rows = await engine.write(
    `${LOCK_FEED}
MATCH (user:User {id: $user}) SET user.locked = true
WITH feed, now, user
${TENANT_GENERATION}
CALL {
  WITH user
  ${found}
}
WITH feed, now, user, tenantGeneration, found
UNWIND range(0, size(found) - 1) AS place
WITH feed, now, user, tenantGeneration, place, found[place] AS session
${LIFE}
WITH feed, now, user, place, {id: session.id, session: session, until: until,
  made: [entry IN entries WHERE entry.operation = $operation], isLive: ${IS_LIVE}} AS one
ORDER BY place
WITH feed, now, user, collect(one) AS seen
WITH feed, now, user, seen, [one IN seen WHERE one.isLive] AS live
WITH feed, now, user, seen, live, ${chosen} AS chosen
WITH feed, now, user, seen, live, chosen, coalesce(size(chosen), 0) AS count
SET feed.seq = feed.seq + count
${parameters.most === undefined ? '' : 'SET user.recent = [one IN live[count..] | one.id]'}
WITH now, seen, chosen, count, feed.seq - count AS base
UNWIND CASE WHEN count = 0 THEN [-1] ELSE range(0, count - 1) END AS i
WITH now, seen, chosen, i, base + i + 1 AS seq,
  CASE WHEN i >= 0 THEN chosen[i].id END AS id,
  CASE WHEN i >= 0 THEN chosen[i].session END AS session,
  CASE WHEN i >= 0 THEN chosen[i].until END AS until
FOREACH (_ IN CASE WHEN i >= 0 THEN [1] ELSE [] END |
  CREATE (:BlacklistEntry {seq: seq, scope: 'session', id: id, kind: 'ended', at: now,
    \`from\`: now, until: until, reason: $reason, operation: $operation})-[:BLACKLISTS]->(session))
RETURN chosen IS NULL AS refused, CASE WHEN i >= 0
  THEN [{seq: seq, scope: 'session', id: id, generation: null, kind: 'ended', at: now, from: now,
    until: until, reason: $reason, operation: $operation}]
  ELSE reduce(whole = [], one IN seen | whole + one.made) END AS entries`,
    { ...parameters },
  )
  const [first] = rows
  if (first === undefined || first.refused === true) return undefined
  return rows.flatMap(entriesOf)
}

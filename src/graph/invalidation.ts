import { type BlacklistEntry, EVERYONE } from '../blacklist.ts'
import { AuthError } from '../error.ts'
import type { Invalidation } from '../store.ts'
import { ENTRY, entriesOf, LOCK_FEED } from './blacklist.ts'
import type { Engine } from './engine.ts'
import { boolean } from './row.ts'

/** What the entry is about, as the subquery that gives it; nothing where it is everyone. */
const targets = {
  all: `RETURN [] AS about`,
  tenant: `MATCH (tenant:Tenant {id: $id}) RETURN collect(tenant) AS about`,
  user: `MATCH (user:User {id: $id}) RETURN collect(user) AS about`,
}

/**
 * One entry that ends what was logged in for before an instant. No session is looked at: there may be a
 * million. It stays until the last token that there is now is expired, and for as long as one that a
 * log-in is about to give may live; a session that it ends issues no more.
 */
export async function invalidate(
  engine: Engine,
  { scope, id = EVERYONE, epoch, ...invalidation }: Invalidation,
): Promise<BlacklistEntry> {
  const [row] = await engine.write(
    `${LOCK_FEED}
CALL { ${targets[scope]} }
CALL {
  MATCH (entry:BlacklistEntry {id: $id}) WHERE entry.operation = $operation
  RETURN collect(${ENTRY}) AS done
}
CALL {
  MATCH (token:Token) WHERE token.expiresAt > 0
  WITH token.expiresAt AS expiresAt ORDER BY expiresAt DESC LIMIT 1
  RETURN max(expiresAt) AS last
}
WITH feed, now, about, done, coalesce(last, 0) AS last,
  (now / 1000 + 1 + $tokenSeconds) * 1000 AS due, $before <= now AS past
WITH feed, now, about, done, CASE WHEN last > due THEN last ELSE due END AS until, past,
  past AND size(done) = 0 AS fresh
FOREACH (_ IN CASE WHEN fresh THEN [1] ELSE [] END |
  SET feed.seq = feed.seq + 1, feed.epoch = coalesce($epoch, feed.epoch)
  CREATE (entry:BlacklistEntry {seq: feed.seq, scope: $scope, id: $id, before: $before,
    kind: 'ended', at: now, \`from\`: now, until: until, reason: $reason, operation: $operation})
  FOREACH (target IN about | CREATE (entry)-[:BLACKLISTS]->(target)))
RETURN past, CASE WHEN fresh
  THEN [{seq: feed.seq, scope: $scope, id: $id, generation: null, before: $before, kind: 'ended',
    at: now, from: now, until: until, reason: $reason, operation: $operation}]
  ELSE done END AS entries`,
    { ...invalidation, scope, id, epoch: epoch ?? null },
  )
  if (!row) throw new TypeError('the graph has no feed: was it changed by hand?')
  const [entry] = entriesOf(row)
  if (entry) return entry
  if (!boolean(row, 'past')) throw new AuthError('request_is_invalid', { detail: FUTURE })
  throw new AuthError('service_unavailable')
}

const FUTURE = 'Give an instant that is over: whoever logs in after it is not to be ended unseen.'

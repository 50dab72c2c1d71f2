import { ENTRY } from './blacklist.ts'

/** Adds `tenantGeneration`, of the tenant that `user` is a member of. */
export const TENANT_GENERATION = `CALL {
  WITH user MATCH (user)-[:MEMBER_OF]->(tenant:Tenant)
  RETURN tenant.generation AS tenantGeneration
}`

// What ends the session alone, and what ends all that was opened before an instant.
const ENDED_BY = `MATCH (session)<-[:OPENED]-(owner:User)-[:MEMBER_OF]->(tenant:Tenant)
  UNWIND [session.id, owner.id, tenant.id, 'all'] AS step
  MATCH (entry:BlacklistEntry {id: step})
  WHERE step = session.id OR entry.before > session.createdAt`

/**
 * Adds what tells at `now` whether `session` is live: the `entries` that end it, and of its tokens that are
 * neither expired nor ended themselves when the last expires, `until`, which is null where there is none.
 * The domain's rule, stated once more where the graph alone knows all tokens.
 */
export const LIFE = `CALL {
  WITH session
  ${ENDED_BY}
  RETURN collect(${ENTRY}) AS entries
}
CALL {
  WITH session, now
  MATCH (session)-[:ISSUED]->(token:Token) WHERE token.expiresAt > now AND NOT EXISTS {
    MATCH (token)<-[:BLACKLISTS]-(entry:BlacklistEntry)
    WHERE entry.kind = 'ended' OR entry.\`from\` <= now
  }
  RETURN max(token.expiresAt) AS until
}`

/** Whether the session is live, by what the clauses above have added. */
export const IS_LIVE = `until IS NOT NULL AND size(entries) = 0 AND session.generation = user.generation
  AND session.tenantGeneration = tenantGeneration`

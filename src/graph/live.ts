import { ENTRY } from './blacklist.ts'

/** Adds `tenantGeneration`, of the tenant that `user` is a member of. */
export const TENANT_GENERATION = `CALL {
  WITH user MATCH (user)-[:MEMBER_OF]->(tenant:Tenant)
  RETURN tenant.generation AS tenantGeneration
}`

/**
 * Adds what tells at `now` whether `session` is live: the `entries` about it, and of its tokens that are
 * neither expired nor ended themselves when the last expires, `until`, which is null where there is none.
 * The domain's rule, stated once more where the graph alone knows all tokens.
 */
export const LIFE = `CALL {
  WITH session MATCH (session)<-[:BLACKLISTS]-(entry:BlacklistEntry)
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

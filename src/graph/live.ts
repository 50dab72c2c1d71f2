/** Adds `tenantGeneration`, of the tenant that `user` is a member of. */
export const TENANT_GENERATION = `CALL {
  WITH user MATCH (user)-[:MEMBER_OF]->(tenant:Tenant)
  RETURN tenant.generation AS tenantGeneration
}`

/**
 * Adds what tells at `now` whether `session` is live: `ends`, how many entries about it there are, and
 * `living`, how many of its tokens count. The domain's rule, stated once more where the graph alone knows
 * all tokens.
 */
export const LIFE = `CALL {
  WITH session MATCH (session)<-[:BLACKLISTS]-(entry:BlacklistEntry)
  RETURN count(entry) AS ends
}
CALL {
  WITH session, now
  MATCH (session)-[:ISSUED]->(token:Token) WHERE token.expiresAt > now AND NOT EXISTS {
    MATCH (token)<-[:BLACKLISTS]-(entry:BlacklistEntry)
    WHERE entry.kind = 'ended' OR entry.\`from\` <= now
  }
  RETURN count(token) AS living
}`

/** Whether the session is live, by what the clauses above have added. */
export const IS_LIVE = `living > 0 AND ends = 0 AND session.generation = user.generation
  AND session.tenantGeneration = tenantGeneration`

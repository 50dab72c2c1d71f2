import type { NewSession, Sessions } from '../store.ts'
import type { Token } from '../token.ts'
import { type BatchCounts, createBatch } from './batch.ts'
import { createEnd, inOrder } from './blacklist.ts'
import type { Engine } from './engine.ts'
import { integer } from './row.ts'

export function createSessions(engine: Engine): Sessions & { counts: Record<string, BatchCounts> } {
  const end = createEnd(engine)
  const opening = createBatch({
    most: 256,
    keyOf: ({ id }: NewSession) => id,
    run: (sessions) => open(engine, sessions),
  })
  return {
    open: opening,
    end: (token, how) => end({ token, how }),
    counts: { open: opening.counts, end: end.counts },
  }
}

// The user is locked first, then looked at: a change of the password is then before or after, and what
// it ends is told by the generation. Users are locked in one order, whichever batch they are in.
async function open(engine: Engine, sessions: NewSession[]): Promise<(Token | undefined)[]> {
  const rows = sessions.map(({ id, user, token, kid, sessionSeconds, tokenSeconds }, at) => ({
    at,
    session: id,
    user: user.id,
    generation: user.generation,
    tenantGeneration: user.tenant.generation,
    token,
    kid,
    sessionSeconds,
    tokenSeconds: Math.min(tokenSeconds, sessionSeconds),
  }))
  const opened = await engine.write(
    `UNWIND $rows AS row
MATCH (user:User {id: row.user}) SET user.locked = true
WITH user, row, timestamp() / 1000 AS seconds
CALL { WITH row MATCH (session:Session {id: row.session}) RETURN count(session) AS done }
WITH user, row, seconds, done = 0 AND user.generation = row.generation AS fresh
FOREACH (_ IN CASE WHEN fresh THEN [1] ELSE [] END |
  CREATE (user)-[:OPENED]->(session:Session {id: row.session, createdAt: seconds * 1000,
    expiresAt: (seconds + row.sessionSeconds) * 1000, generation: row.generation,
    tenantGeneration: row.tenantGeneration})
  CREATE (session)-[:ISSUED]->(:Token {id: row.token, kid: row.kid, issuedAt: seconds * 1000,
    expiresAt: (seconds + row.tokenSeconds) * 1000}))
WITH row
CALL {
  WITH row
  MATCH (:Session {id: row.session})-[:ISSUED]->(token:Token) WHERE token.id = row.token
  RETURN token.issuedAt AS issuedAt, token.expiresAt AS expiresAt
}
RETURN row.at AS at, issuedAt, expiresAt`,
    { rows: rows.toSorted((a, b) => (a.user < b.user ? -1 : 1)) },
  )
  return inOrder(opened, sessions.length, (row, at) => {
    const { id, user, token, kid } = sessions[at] as NewSession
    return {
      id: token,
      kid,
      issuedAt: integer(row, 'issuedAt'),
      expiresAt: integer(row, 'expiresAt'),
      user: { id: user.id, username: user.username, generation: user.generation },
      tenant: user.tenant,
      sessions: [id],
    }
  })
}

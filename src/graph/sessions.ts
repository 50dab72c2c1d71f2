import type { NewSession, Sessions } from '../store.ts'
import type { Token } from '../token.ts'
import { end } from './blacklist.ts'
import type { Engine } from './engine.ts'
import { integer } from './row.ts'

export function createSessions(engine: Engine): Sessions {
  return {
    open: (session) => open(engine, session),
    end: (token, how) => end(engine, token, how),
  }
}

// The user is locked first, then looked at: a change of the password is then before or after, and what
// it ends is told by the generation.
async function open(engine: Engine, session: NewSession): Promise<Token | undefined> {
  const { id, user, token, kid, sessionSeconds, tokenSeconds } = session
  const [row] = await engine.write(
    `UNWIND $rows AS row
MATCH (user:User {id: row.user}) SET user.locked = true
WITH user, row, timestamp() / 1000 AS seconds
CALL { WITH row MATCH (session:Session {id: row.session}) RETURN count(session) AS done }
WITH user, row, seconds, done = 0 AND user.generation = row.generation AS fresh,
  CASE WHEN row.tokenSeconds < row.sessionSeconds THEN row.tokenSeconds ELSE row.sessionSeconds END
    AS tokenSeconds
FOREACH (_ IN CASE WHEN fresh THEN [1] ELSE [] END |
  CREATE (user)-[:OPENED]->(session:Session {id: row.session, createdAt: seconds * 1000,
    expiresAt: (seconds + row.sessionSeconds) * 1000, generation: row.generation,
    tenantGeneration: row.tenantGeneration})
  CREATE (session)-[:ISSUED]->(:Token {id: row.token, kid: row.kid, issuedAt: seconds * 1000,
    expiresAt: (seconds + tokenSeconds) * 1000}))
WITH row
MATCH (session:Session {id: row.session})-[:ISSUED]->(token:Token {id: row.token})
RETURN token.issuedAt AS issuedAt, token.expiresAt AS expiresAt`,
    {
      rows: [
        {
          user: user.id,
          generation: user.generation,
          tenantGeneration: user.tenant.generation,
          session: id,
          token,
          kid,
          sessionSeconds,
          tokenSeconds,
        },
      ],
    },
  )
  if (!row) return undefined
  return {
    id: token,
    kid,
    issuedAt: integer(row, 'issuedAt'),
    expiresAt: integer(row, 'expiresAt'),
    user: { id: user.id, username: user.username, generation: user.generation },
    tenant: user.tenant,
    sessions: [id],
  }
}

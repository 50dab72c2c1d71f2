import type { NewSession, Opened, Sessions } from '../store.ts'
import type { Token } from '../token.ts'
import { type BatchCounts, createBatch } from './batch.ts'
import { createEnd, inOrder } from './blacklist.ts'
import { endOldest } from './endings.ts'
import type { Engine, Row } from './engine.ts'
import { invalidate } from './invalidation.ts'
import { integer } from './row.ts'

export function createSessions(engine: Engine): Sessions & { counts: Record<string, BatchCounts> } {
  const end = createEnd(engine)
  const opening = createBatch({
    most: 256,
    keyOf: ({ id }: NewSession) => id,
    run: (sessions) => open(engine, sessions),
  })
  return {
    async open(session) {
      const opened = await opening(session)
      return opened && { token: opened.token, ended: await keepMost(engine, session, opened) }
    },
    end: (token, how) => end({ token, how }),
    invalidate: (invalidation) => invalidate(engine, invalidation),
    counts: { open: opening.counts, end: end.counts },
  }
}

interface JustOpened {
  token: Token
  /** How many sessions the user has that may be live. */
  recent: number
}

// The id of the opening is that of the ending as well: nobody else ends sessions by it.
async function keepMost(
  engine: Engine,
  { id, user, most = 0 }: NewSession,
  { recent }: JustOpened,
): Promise<Opened['ended']> {
  if (most === 0 || recent <= most) return []
  return endOldest(engine, { user: user.id, most, reason: 'limit', operation: id })
}

// The user is locked first, then looked at: a change of the password is then before or after, and what
// it ends is told by the generation. Users are locked in one order, whichever batch they are in.
// A user remembers the sessions that were opened last, so that only few need a look when they are more
// than may be live: all that are live are among them.
async function open(engine: Engine, sessions: NewSession[]): Promise<(JustOpened | undefined)[]> {
  const rows = sessions.map(({ id, user, token, kid, sessionSeconds, tokenSeconds, most }, at) => ({
    at,
    session: id,
    user: user.id,
    generation: user.generation,
    tenantGeneration: user.tenant.generation,
    token,
    kid,
    sessionSeconds,
    tokenSeconds: Math.min(tokenSeconds, sessionSeconds),
    most: most ?? 0,
  }))
  const opened = await engine.write(
    `UNWIND $rows AS row
MATCH (user:User {id: row.user}) SET user.locked = true
WITH user, row, timestamp() / 1000 AS seconds
CALL {
  WITH user MATCH (user)-[:MEMBER_OF]->(tenant:Tenant)
  RETURN tenant.status AS tenantStatus, tenant.generation AS tenantGeneration
}
CALL { WITH row MATCH (session:Session {id: row.session}) RETURN count(session) AS done }
WITH user, row, seconds, done = 0
  AND user.status = 'active' AND user.generation = row.generation
  AND tenantStatus = 'active' AND tenantGeneration = row.tenantGeneration AS fresh
FOREACH (_ IN CASE WHEN fresh THEN [1] ELSE [] END |
  CREATE (user)-[:OPENED]->(session:Session {id: row.session, createdAt: seconds * 1000,
    expiresAt: (seconds + row.sessionSeconds) * 1000, generation: row.generation,
    tenantGeneration: row.tenantGeneration})
  CREATE (session)-[:ISSUED]->(:Token {id: row.token, kid: row.kid, issuedAt: seconds * 1000,
    expiresAt: (seconds + row.tokenSeconds) * 1000}))
WITH user, collect({row: row, fresh: fresh}) AS seen
SET user.recent = coalesce(user.recent, [])
  + [one IN seen WHERE one.fresh AND one.row.most > 0 | one.row.session]
WITH user, seen
UNWIND seen AS one
WITH one.row AS row, size(user.recent) AS recent
CALL {
  WITH row
  MATCH (:Session {id: row.session})-[:ISSUED]->(token:Token) WHERE token.id = row.token
  RETURN token.issuedAt AS issuedAt, token.expiresAt AS expiresAt
}
RETURN row.at AS at, issuedAt, expiresAt, recent`,
    { rows: rows.toSorted((a, b) => (a.user < b.user ? -1 : 1)) },
  )
  return inOrder(opened, sessions.length, (row, at) => {
    return { token: tokenOf(sessions[at] as NewSession, row), recent: integer(row, 'recent') }
  })
}

function tokenOf({ id, user, token, kid }: NewSession, row: Row): Token {
  return {
    id: token,
    kid,
    issuedAt: integer(row, 'issuedAt'),
    expiresAt: integer(row, 'expiresAt'),
    // A session is opened in the second in which its first token is issued.
    authTime: integer(row, 'issuedAt'),
    user: { id: user.id, username: user.username, generation: user.generation },
    tenant: { id: user.tenant.id, generation: user.tenant.generation },
    sessions: [id],
  }
}

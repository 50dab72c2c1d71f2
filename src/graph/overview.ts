import type { GraphStatus, SessionStatus, UserStatus } from '../operator.ts'
import type { Overview } from '../store.ts'
import type { Engine, Row } from './engine.ts'
import { integer, text } from './row.ts'

export function createOverview(engine: Engine): Overview {
  return {
    graph: () => graph(engine),
    user: (key) => user(engine, key),
    sessions: (key, limit) => sessions(engine, key, limit),
  }
}

async function graph(engine: Engine): Promise<GraphStatus> {
  const [row] = await engine.read(
    `CALL { MATCH (user:User) RETURN count(user) AS users }
     CALL { MATCH (session:Session) RETURN count(session) AS sessions }
     CALL { MATCH (token:Token) RETURN count(token) AS tokens }
     CALL { MATCH (entry:BlacklistEntry) RETURN count(entry) AS entries }
     MATCH (schema:Schema {name: 'sessiongraph'})
     MATCH (feed:Feed {name: 'blacklist'})
     RETURN users, sessions, tokens, entries, schema.version AS version, feed.seq AS seq,
       feed.epoch AS epoch, timestamp() AS now`,
  )
  if (!row) throw new TypeError('the graph has no schema: was it changed by hand?')
  return {
    graph: engine.description,
    schemaVersion: integer(row, 'version'),
    now: integer(row, 'now'),
    users: integer(row, 'users'),
    sessions: integer(row, 'sessions'),
    tokens: integer(row, 'tokens'),
    entries: integer(row, 'entries'),
    seq: integer(row, 'seq'),
    epoch: text(row, 'epoch'),
  }
}

async function user(engine: Engine, key: string): Promise<UserStatus | undefined> {
  const [row] = await engine.read(
    `MATCH (user:User {key: $key})
     CALL {
       WITH user MATCH (user)-[:OPENED]->(session:Session)-[:ISSUED]->(token:Token)
       WHERE session.generation = user.generation AND token.expiresAt > timestamp()
         AND NOT EXISTS { MATCH (session)<-[:BLACKLISTS]-(:BlacklistEntry) }
       RETURN count(DISTINCT session.id) AS sessions
     }
     RETURN user.id AS id, user.username AS username, user.status AS status,
       user.generation AS generation, user.createdAt AS createdAt, sessions`,
    { key },
  )
  if (!row) return undefined
  return {
    id: text(row, 'id'),
    username: text(row, 'username'),
    status: text(row, 'status'),
    generation: integer(row, 'generation'),
    createdAt: integer(row, 'createdAt'),
    sessions: integer(row, 'sessions'),
  }
}

async function sessions(engine: Engine, key: string, limit: number): Promise<SessionStatus[]> {
  const rows = await engine.read(
    `MATCH (user:User {key: $key})-[:OPENED]->(session:Session)
     WITH user, session ORDER BY session.createdAt DESC, session.id LIMIT $limit
     CALL {
       WITH session MATCH (session)-[:ISSUED]->(token:Token)
       RETURN count(token) AS tokens, max(token.expiresAt) AS last
     }
     CALL {
       WITH session MATCH (session)<-[:BLACKLISTS]-(entry:BlacklistEntry)
       RETURN collect(entry.reason) AS reasons
     }
     CALL {
       WITH user, session
       MATCH (user)<-[:BLACKLISTS]-(entry:BlacklistEntry {generation: session.generation})
       RETURN collect(entry.reason) AS userReasons
     }
     RETURN session.id AS id, session.createdAt AS createdAt, session.expiresAt AS expiresAt,
       tokens, last, reasons + userReasons AS reasons, session.generation < user.generation AS over,
       timestamp() AS now
     ORDER BY createdAt DESC, id`,
    { key, limit },
  )
  return rows.map(sessionOf)
}

function sessionOf(row: Row): SessionStatus {
  const last = row.last === null ? null : integer(row, 'last')
  const [reason = null] = row.reasons as string[]
  const isOver = row.over === true || reason !== null
  const isLive = last !== null && last > integer(row, 'now')
  return {
    id: text(row, 'id'),
    createdAt: integer(row, 'createdAt'),
    expiresAt: integer(row, 'expiresAt'),
    lastTokenExpiresAt: last,
    tokens: integer(row, 'tokens'),
    state: isOver ? 'ended' : isLive ? 'live' : 'expired',
    reason,
  }
}

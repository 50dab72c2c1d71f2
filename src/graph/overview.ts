import type { SessionStatus, UserStatus } from '../directory.ts'
import type { GraphStatus } from '../operator.ts'
import type { Overview } from '../store.ts'
import type { Engine, Row } from './engine.ts'
import { IS_LIVE, LIFE, TENANT_GENERATION } from './live.ts'
import { boolean, integer, text } from './row.ts'

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
     ${TENANT_GENERATION}
     WITH user, tenantGeneration, timestamp() AS now
     CALL {
       WITH user, tenantGeneration, now
       MATCH (user)-[:OPENED]->(session:Session)
       WHERE session.generation = user.generation
         AND session.tenantGeneration = tenantGeneration
       ${LIFE}
       WITH user, session, tenantGeneration, entries, until WHERE ${IS_LIVE}
       RETURN count(session) AS sessions
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
     WITH user, session, timestamp() AS now
     ${TENANT_GENERATION}
     ${LIFE}
     CALL {
       WITH session MATCH (session)-[:ISSUED]->(token:Token)
       RETURN count(token) AS tokens, max(token.expiresAt) AS last
     }
     CALL {
       WITH user, session
       MATCH (user)<-[:BLACKLISTS]-(entry:BlacklistEntry {generation: session.generation})
       RETURN collect(entry.reason) AS userReasons
     }
     CALL {
       WITH user, session
       MATCH (user)-[:MEMBER_OF]->(tenant:Tenant)
       MATCH (entry:BlacklistEntry {id: tenant.id})
       WHERE entry.generation = session.tenantGeneration
       RETURN collect(entry.reason) AS tenantReasons
     }
     RETURN session.id AS id, session.createdAt AS createdAt, session.expiresAt AS expiresAt,
       tokens, last, [entry IN entries | entry.reason] + userReasons + tenantReasons AS reasons,
       session.generation < user.generation OR session.tenantGeneration < tenantGeneration AS over,
       ${IS_LIVE} AS live
     ORDER BY createdAt DESC, id`,
    { key, limit },
  )
  return rows.map(sessionOf)
}

function sessionOf(row: Row): SessionStatus {
  const last = row.last === null ? null : integer(row, 'last')
  const [reason = null] = row.reasons as string[]
  const isOver = row.over === true || reason !== null
  return {
    id: text(row, 'id'),
    createdAt: integer(row, 'createdAt'),
    expiresAt: integer(row, 'expiresAt'),
    lastTokenExpiresAt: last,
    tokens: integer(row, 'tokens'),
    state: isOver ? 'ended' : boolean(row, 'live') ? 'live' : 'expired',
    reason,
  }
}

import type { BlacklistEntry } from '../blacklist.ts'
import { AuthError } from '../error.ts'
import type { EndSessions, NewUser, Users } from '../store.ts'
import type { User } from '../user.ts'
import { ENTRY, entriesOf, LOCK_FEED } from './blacklist.ts'
import type { Engine } from './engine.ts'
import { boolean, integer, text } from './row.ts'

export function createUsers(engine: Engine): Users {
  return {
    find: (key) => find(engine, key),
    register: (user) => register(engine, user),
    changePassword: (change) => endAll(engine, { ...change, reason: 'password' }),
    endSessions: (ending) => endAll(engine, { ...ending, passwordHash: null, expectedHash: null }),
    rehash: (user, from, to) => rehash(engine, user, from, to),
  }
}

async function find(engine: Engine, key: string): Promise<User | undefined> {
  const [row] = await engine.read(
    `MATCH (user:User {key: $key})-[:MEMBER_OF]->(tenant:Tenant)
     RETURN user.id AS id, user.username AS username, user.passwordHash AS passwordHash,
       user.status AS status, user.generation AS generation,
       tenant.id AS tenantId, tenant.generation AS tenantGeneration`,
    { key },
  )
  if (!row) return undefined
  return {
    id: text(row, 'id'),
    username: text(row, 'username'),
    passwordHash: text(row, 'passwordHash'),
    status: text(row, 'status') as User['status'],
    generation: integer(row, 'generation'),
    tenant: { id: text(row, 'tenantId'), generation: integer(row, 'tenantGeneration') },
  }
}

async function register(engine: Engine, user: NewUser): Promise<boolean> {
  const [row] = await engine.write(
    `MATCH (tenant:Tenant {name: $tenant})
     MERGE (user:User {key: $key})
       ON CREATE SET user.id = $id, user.username = $username, user.passwordHash = $passwordHash,
         user.status = 'active', user.generation = 0, user.createdAt = timestamp()
     WITH tenant, user, user.id = $id AS mine
     FOREACH (_ IN CASE
         WHEN mine AND NOT EXISTS { MATCH (user)-[:MEMBER_OF]->(:Tenant) } THEN [1] ELSE [] END |
       CREATE (user)-[:MEMBER_OF]->(tenant))
     RETURN mine`,
    { ...user },
  )
  if (!row) throw new AuthError('service_unavailable', { detail: 'The schema is not there yet.' })
  return boolean(row, 'mine')
}

interface EndAll extends EndSessions {
  passwordHash: string | null
  expectedHash: string | null
}

// The entry carries the generation that it ends and stays until the last of its sessions is over.
async function endAll(engine: Engine, ending: EndAll): Promise<BlacklistEntry | undefined> {
  const [row] = await engine.write(
    `${LOCK_FEED}
MATCH (user:User {id: $user}) SET user.locked = true
WITH feed, now, user
CALL {
  WITH user
  MATCH (user)<-[:BLACKLISTS]-(entry:BlacklistEntry {operation: $operation})
  RETURN collect(${ENTRY}) AS done
}
CALL { WITH user MATCH (user)-[:OPENED]->(session:Session) RETURN max(session.expiresAt) AS last }
WITH feed, now, user, done, coalesce(last, now / 1000 * 1000) AS until,
  $expectedHash IS NULL OR user.passwordHash = $expectedHash AS asExpected
WITH feed, now, user, done, until, asExpected AND size(done) = 0 AS fresh,
  user.generation AS generation
FOREACH (_ IN CASE WHEN fresh THEN [1] ELSE [] END |
  SET feed.seq = feed.seq + 1
  CREATE (:BlacklistEntry {seq: feed.seq, scope: 'user', id: user.id, generation: user.generation,
    kind: 'ended', at: now, \`from\`: now, until: until, reason: $reason, operation: $operation}
  )-[:BLACKLISTS]->(user)
  SET user.passwordHash = coalesce($passwordHash, user.passwordHash),
    user.generation = user.generation + 1)
RETURN CASE WHEN fresh
  THEN [{seq: feed.seq, scope: 'user', id: user.id, generation: generation, kind: 'ended', at: now,
    from: now, until: until, reason: $reason, operation: $operation}]
  ELSE done END AS entries`,
    { ...ending },
  )
  return row && entriesOf(row)[0]
}

async function rehash(engine: Engine, user: string, from: string, to: string): Promise<void> {
  await engine.write(
    `MATCH (user:User {id: $user}) SET user.locked = true
     WITH user WHERE user.passwordHash = $from
     SET user.passwordHash = $to`,
    { user, from, to },
  )
}

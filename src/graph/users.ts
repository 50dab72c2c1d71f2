import type { BlacklistEntry } from '../blacklist.ts'
import type { EndSessions, NewPassword, NewUser, Users } from '../store.ts'
import type { User } from '../user.ts'
import { ENTRY, entriesOf, LOCK_FEED } from './blacklist.ts'
import { endSome } from './endings.ts'
import type { Engine } from './engine.ts'
import { boolean, integer, text } from './row.ts'

export function createUsers(engine: Engine): Users {
  return {
    find: (key) => find(engine, key),
    register: (user) => register(engine, user),
    changePassword: (change) => endAll(engine, { ...change, status: null, reason: 'password' }),
    endSessions: (ending) => endAll(engine, { ...UNCHANGED, ...ending }),
    endSome: (ending) => endSome(engine, ending),
    suspend: (ending) =>
      endAll(engine, { ...UNCHANGED, ...ending, status: 'suspended', reason: 'suspended' }),
    reinstate: (user) => reinstate(engine, user),
    remove: (ending) => remove(engine, ending),
    rehash: (user, from, to) => rehash(engine, user, from, to),
  }
}

async function find(engine: Engine, key: string): Promise<User | undefined> {
  const [row] = await engine.read(
    `MATCH (user:User {key: $key})-[:MEMBER_OF]->(tenant:Tenant)
     RETURN user.id AS id, user.username AS username, user.passwordHash AS passwordHash,
       user.status AS status, user.generation AS generation,
       tenant.id AS tenantId, tenant.status AS tenantStatus, tenant.generation AS tenantGeneration`,
    { key },
  )
  if (!row) return undefined
  return {
    id: text(row, 'id'),
    username: text(row, 'username'),
    passwordHash: text(row, 'passwordHash'),
    status: text(row, 'status') as User['status'],
    generation: integer(row, 'generation'),
    tenant: {
      id: text(row, 'tenantId'),
      status: text(row, 'tenantStatus') as User['tenant']['status'],
      generation: integer(row, 'tenantGeneration'),
    },
  }
}

async function register(engine: Engine, user: NewUser): Promise<boolean | undefined> {
  const [row] = await engine.write(
    `MATCH (tenant:Tenant {name: $tenant}) WHERE tenant.status = 'active'
     MERGE (user:User {key: $key})
       ON CREATE SET user.id = $id, user.username = $username, user.passwordHash = $passwordHash,
         user.status = 'active', user.generation = 0, user.createdAt = timestamp()
     WITH tenant, user, coalesce(user.id = $id, false) AS mine
     FOREACH (_ IN CASE
         WHEN mine AND NOT EXISTS { MATCH (user)-[:MEMBER_OF]->(:Tenant) } THEN [1] ELSE [] END |
       CREATE (user)-[:MEMBER_OF]->(tenant))
     RETURN mine`,
    { ...user },
  )
  return row && boolean(row, 'mine')
}

interface EndAll extends EndSessions, Pick<NewPassword, 'expectedHash'> {
  passwordHash: string | null
  /** The status that the user is given; null for the one that it has. */
  status: User['status'] | null
}

const UNCHANGED = { passwordHash: null, expectedHash: null, status: null }

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
  ($expectedHash IS NULL OR user.passwordHash = $expectedHash)
    AND ($status IS NULL OR user.status <> $status) AS asExpected
WITH feed, now, user, done, until, asExpected AND size(done) = 0 AS fresh,
  user.generation AS generation
FOREACH (_ IN CASE WHEN fresh THEN [1] ELSE [] END |
  SET feed.seq = feed.seq + 1
  CREATE (:BlacklistEntry {seq: feed.seq, scope: 'user', id: user.id, generation: user.generation,
    kind: 'ended', at: now, \`from\`: now, until: until, reason: $reason, operation: $operation}
  )-[:BLACKLISTS]->(user)
  SET user.passwordHash = coalesce($passwordHash, user.passwordHash),
    user.status = coalesce($status, user.status), user.generation = user.generation + 1)
RETURN CASE WHEN fresh
  THEN [{seq: feed.seq, scope: 'user', id: user.id, generation: generation, kind: 'ended', at: now,
    from: now, until: until, reason: $reason, operation: $operation}]
  ELSE done END AS entries`,
    { ...ending },
  )
  return row && entriesOf(row)[0]
}

// Looked at once more under the lock: who waited for a removal has a node in hand that is gone.
async function reinstate(engine: Engine, user: string): Promise<boolean> {
  const rows = await engine.write(
    `MATCH (user:User {id: $user}) SET user.locked = true
     WITH user WHERE user.status IS NOT NULL
     SET user.status = 'active'
     RETURN user.id AS id`,
    { user },
  )
  return rows.length > 0
}

// The user's own work of before is not there to be recognised by, so its entry is.
async function remove(
  engine: Engine,
  ending: Omit<EndSessions, 'reason'>,
): Promise<BlacklistEntry | undefined> {
  const [row] = await engine.write(
    `${LOCK_FEED}
CALL {
  MATCH (entry:BlacklistEntry {id: $user}) WHERE entry.operation = $operation
  RETURN collect(${ENTRY}) AS done
}
CALL { MATCH (user:User {id: $user}) RETURN collect(user) AS users }
WITH feed, now, done, users
FOREACH (user IN users | SET user.locked = true)
WITH feed, now, done, users
CALL {
  MATCH (:User {id: $user})-[:OPENED]->(session:Session) RETURN max(session.expiresAt) AS last
}
WITH feed, now, done, users, coalesce(last, now / 1000 * 1000) AS until,
  CASE WHEN size(users) = 1 THEN users[0].generation END AS generation
FOREACH (user IN users |
  SET feed.seq = feed.seq + 1
  CREATE (:BlacklistEntry {seq: feed.seq, scope: 'user', id: $user, generation: generation,
    kind: 'ended', at: now, \`from\`: now, until: until, reason: 'deleted', operation: $operation})
  DETACH DELETE user)
RETURN CASE WHEN generation IS NULL THEN done
  ELSE [{seq: feed.seq, scope: 'user', id: $user, generation: generation, kind: 'ended', at: now,
    from: now, until: until, reason: 'deleted', operation: $operation}] END AS entries`,
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

import anyTest, { type ExecutionContext } from 'ava'
import { type BlacklistEntry, stateOf } from '../../src/blacklist.ts'
import { AuthError } from '../../src/error.ts'
import { prepareSchema } from '../../src/graph/schema.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'
import { pause } from '../../src/pause.ts'
import type { NewUser, Opened, Store } from '../../src/store.ts'
import type { Token } from '../../src/token.ts'
import { DEFAULT_TENANT, type User, userKey } from '../../src/user.ts'
import { neo4j } from '../support/engines.ts'
import { openBehindProxy } from '../support/neo4j-engines.ts'
import { newTenant, newUsername } from '../support/world.ts'

const test = neo4j ? anyTest.serial : anyTest.skip

interface World {
  store: Store
  key: string
  user: User
  token: Token
  tenant: { id: string; name: string }
  /** Not registered yet. */
  other: NewUser
}

/** A write, a text that only its statement has, and what must hold afterwards. */
interface Write {
  text: string
  /** Gives the write with its operation's id, so that it can be repeated as it was. */
  prepare(world: World): () => Promise<unknown>
  /** What it resolves to. */
  result(t: ExecutionContext, result: unknown, world: World): Promise<void> | void
}

const spans = { sessionSeconds: 3600, tokenSeconds: 900 }

function newUser(): NewUser {
  const username = newUsername()
  const key = userKey(DEFAULT_TENANT, username)
  return { id: newId(), key, username, passwordHash: 'hash', tenant: DEFAULT_TENANT }
}

async function createWorld(store: Store): Promise<World> {
  const registered = newUser()
  await store.users.register(registered)
  const user = (await store.users.find(registered.key)) as User
  const opening = { id: newId(), user, token: newId(), kid: 'kid', ...spans }
  const token = (await store.sessions.open(opening))?.token as Token
  const tenant = { id: newId(), name: newTenant() }
  await store.tenants.add(tenant)
  return { store, key: registered.key, user, token, tenant, other: newUser() }
}

async function state({ store }: World, token: Token): Promise<string> {
  return stateOf(token, await store.tokens.sight(token), store.now())
}

const writes: Record<string, Write> = {
  'a registration': {
    text: 'MERGE (user:User',
    prepare({ store, other }) {
      return () => store.users.register(other)
    },
    async result(t, added, { store, other }) {
      t.true(added, 'it is this one that has the name')
      t.is((await store.users.find(other.key))?.id, other.id)
      t.false(await store.users.register({ ...other, id: newId() }))
    },
  },
  'a log-in': {
    text: 'CREATE (user)-[:OPENED]',
    prepare({ store, user }) {
      const opening = { id: newId(), user, token: newId(), kid: 'kid', ...spans }
      return () => store.sessions.open(opening)
    },
    async result(t, opened, world) {
      t.is(await state(world, (opened as Opened).token), 'valid')
    },
  },
  'a refresh': {
    text: 'RETURN old, session',
    prepare({ store, token }) {
      const next = { id: newId(), kid: 'next', tokenSeconds: 900, graceSeconds: 30 }
      return () => store.tokens.refresh(token, next)
    },
    async result(t, result, world) {
      const { successor } = result as { successor: Token }
      t.is(successor.kid, 'next')
      t.is(await state(world, successor), 'valid')
      const { entries } = await world.store.tokens.sight(world.token)
      t.is(entries.length, 1)
    },
  },
  'an end of a session': {
    text: 'RETURN session AS target',
    prepare({ store, token }) {
      const how = { operation: newId(), scope: 'session', reason: 'logout' } as const
      return () => store.sessions.end(token, how)
    },
    async result(t, ended, world) {
      t.truthy(ended, 'nobody else has ended it')
      t.is(await state(world, world.token), 'blacklisted')
      const { entries } = await world.store.tokens.sight(world.token)
      t.is(entries.length, 1)
    },
  },
  'an invalidation': {
    text: 'ORDER BY expiresAt DESC LIMIT 1',
    prepare({ store, user, token }) {
      const what = {
        scope: 'user',
        id: user.id,
        before: token.authTime,
        tokenSeconds: 900,
      } as const
      const operation = newId()
      return () => store.sessions.invalidate({ ...what, reason: 'invalidated', operation })
    },
    async result(t, entry, world) {
      t.deepEqual((await world.store.tokens.sight(world.token)).entries, [entry])
      const old = { ...world.token, authTime: world.token.authTime - 1000 }
      t.is(await state(world, old), 'blacklisted')
    },
  },
  'a suspension of the user': {
    text: '(user)<-[:BLACKLISTS]-(entry:',
    prepare({ store, user }) {
      const operation = newId()
      return () => store.users.suspend({ user: user.id, operation })
    },
    async result(t, entry, world) {
      t.truthy(entry, 'nobody else has suspended the user')
      t.like(await world.store.users.find(world.key), { status: 'suspended', generation: 1 })
      t.is(await state(world, world.token), 'blacklisted')
    },
  },
  'a removal of the user': {
    text: 'DETACH DELETE user',
    prepare({ store, user }) {
      const operation = newId()
      return () => store.users.remove({ user: user.id, operation })
    },
    async result(t, entry, world) {
      t.truthy(entry, 'nobody else has removed the user')
      t.is(await world.store.users.find(world.key), undefined)
      t.is(await state(world, world.token), 'blacklisted')
      t.is((await world.store.tokens.sight(world.token)).entries.length, 1)
    },
  },
  'an end of one of the sessions': {
    text: 'RETURN collect(session) AS found',
    prepare({ store, user, token }) {
      const operation = newId()
      const [session] = token.sessions
      const how = { session, which: 'that', reason: 'operator' } as const
      return () => store.users.endSome({ user: user.id, ...how, operation })
    },
    async result(t, ended, world) {
      t.is((ended as BlacklistEntry[]).length, 1, 'nobody else has ended it')
      t.is(await state(world, world.token), 'blacklisted')
      t.is((await world.store.tokens.sight(world.token)).entries.length, 1)
    },
  },
  'a suspension of a tenant': {
    text: "SET tenant.status = 'suspended'",
    prepare({ store, tenant }) {
      const operation = newId()
      return () => store.tenants.suspend({ tenant: tenant.id, sessionSeconds: 3600, operation })
    },
    async result(t, entry, { store, tenant }) {
      t.like(entry, { id: tenant.id, generation: 0, reason: 'suspended' })
      const suspended = await store.tenants.find(tenant.name)
      t.like(suspended, { status: 'suspended', generation: 1 })
    },
  },
  'a change of the password': {
    text: '(user)<-[:BLACKLISTS]-(entry:',
    prepare({ store, user }) {
      const change = { passwordHash: 'new', expectedHash: 'hash', operation: newId() }
      return () => store.users.changePassword({ user: user.id, ...change })
    },
    async result(t, changed, world) {
      t.truthy(changed, 'the hash was the expected one')
      t.like(await world.store.users.find(world.key), { passwordHash: 'new', generation: 1 })
      t.is(await state(world, world.token), 'blacklisted')
    },
  },
}

for (const [name, { text, prepare, result }] of Object.entries(writes)) {
  for (const size of [1, 20]) {
    test(`${name} whose reply is lost is done, once: pool of ${size}`, async (t) => {
      t.timeout(20_000)
      const { engine, proxy } = await openBehindProxy(t, { maxConnectionPoolSize: size })
      await prepareSchema(engine, newId)
      const world = await createWorld(createStore(engine))
      const write = prepare(world)
      const swallowed = proxy.swallowReply(text)
      const [outcome] = await Promise.all([write(), swallowed])
      await result(t, outcome, world)
    })
  }
}

test('a write whose reply never comes is unavailable, and its repeat is recognised', async (t) => {
  t.timeout(60_000)
  const { engine, proxy } = await openBehindProxy(t, { deadlineMs: 1_000 })
  await prepareSchema(engine, newId)
  const world = await createWorld(createStore(engine))
  for (const { text, prepare, result } of Object.values(writes)) {
    const fresh = await answered(() => createWorld(world.store))
    const write = prepare(fresh)
    const swallowed = proxy.swallowReply(text, 'silence')
    const error = await t.throwsAsync(Promise.all([write(), swallowed]), {
      instanceOf: AuthError,
    })
    t.is(error.code, 'service_unavailable')
    await result(t, await answered(write), fresh)
  }
})

/** Repeats what may be repeated until it is answered: a graph that is found again plans first. */
async function answered<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      await pause(50)
    }
  }
}

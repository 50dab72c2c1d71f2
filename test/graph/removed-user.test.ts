import anyTest from 'ava'
import { connectNeo4j } from '../../src/graph/neo4j.ts'
import { prepareSchema } from '../../src/graph/schema.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'
import type { Store } from '../../src/store.ts'
import { DEFAULT_TENANT, type User, userKey } from '../../src/user.ts'
import { neo4j } from '../support/engines.ts'
import { holdTransaction } from '../support/held-transaction.ts'
import { newUsername } from '../support/world.ts'

const test = neo4j ? anyTest : anyTest.skip

interface World {
  store: Store
  user: User
  key: string
}

/** Writes about a user, and what each comes to when the user is removed while it waits. */
const writes: Record<string, [(world: World) => Promise<unknown>, unknown]> = {
  'a log-in': [
    ({ store, user }) => {
      const spans = { sessionSeconds: 3600, tokenSeconds: 900 }
      return store.sessions.open({ id: newId(), user, token: newId(), kid: 'kid', ...spans })
    },
    undefined,
  ],
  'a rehash': [({ store, user }) => store.users.rehash(user.id, 'hash', 'better'), undefined],
  'a reinstatement': [({ store, user }) => store.users.reinstate(user.id), false],
  'a registration of the name': [
    ({ store, user, key }) => {
      const { username } = user
      const again = { key, username, passwordHash: 'new', tenant: DEFAULT_TENANT }
      return store.users.register({ id: newId(), ...again })
    },
    // As if it had come before: the name is free once the removal is acknowledged.
    false,
  ],
}

for (const [name, [write, result]] of Object.entries(writes)) {
  test(`${name} that waits while its user is removed brings nothing back`, async (t) => {
    if (!neo4j) return
    const engine = connectNeo4j({ ...neo4j, deadlineMs: 10_000 })
    t.teardown(() => engine.close())
    await prepareSchema(engine, newId)
    const store = createStore(engine)
    const username = newUsername()
    const key = userKey(DEFAULT_TENANT, username)
    const registered = { id: newId(), key, username, passwordHash: 'hash', tenant: DEFAULT_TENANT }
    await store.users.register(registered)
    const user = (await store.users.find(key)) as User
    const removal = holdTransaction(t)
    await removal.run('MATCH (user:User {id: $id}) SET user.locked = true DETACH DELETE user', {
      id: user.id,
    })
    const waiting = write({ store, user, key })
    await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 1_000))])
    await removal.commit()
    t.is(await waiting, result)
    t.is(await store.users.find(key), undefined)
  })
}

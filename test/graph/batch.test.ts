import { setImmediate as turn } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { AuthError } from '../../src/error.ts'
import { createBatch } from '../../src/graph/batch.ts'
import type { Engine } from '../../src/graph/engine.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'
import type { Store } from '../../src/store.ts'
import type { Token } from '../../src/token.ts'
import { DEFAULT_TENANT, type User, userKey } from '../../src/user.ts'
import { registerOnEngines } from '../support/suites.ts'
import { newUsername } from '../support/world.ts'

interface Row {
  key: string
  isBad?: boolean
}

/** A batch whose statements end when the test says; a statement with a bad row fails. */
function createHeld(most = 100) {
  const statements: string[][] = []
  const ends: ((error?: Error) => void)[] = []
  const batch = createBatch<Row, string>({
    most,
    keyOf: ({ key }) => key,
    async run(rows) {
      statements.push(rows.map(({ key }) => key))
      await new Promise<void>((resolve, reject) => {
        ends.push((error) => (error ? reject(error) : resolve()))
      })
      if (rows.some(({ isBad }) => isBad)) throw new TypeError('a bad row')
      return rows.map(({ key }) => `result of ${key}`)
    },
  })
  /** Ends the statement that runs, and waits until the next has begun, if one does. */
  async function endOne(error?: Error): Promise<void> {
    ends.shift()?.(error)
    await turn()
  }
  return { batch, statements, endOne, add: (key: string, isBad = false) => batch({ key, isBad }) }
}

async function codeOf(result: Promise<unknown>): Promise<string> {
  return result.then(
    () => 'done',
    (error) => (error instanceof AuthError ? error.code : error.message),
  )
}

test('when idle nothing waits: a row goes in the same turn, alone', async (t) => {
  const { statements, add, endOne } = createHeld()
  const result = add('a')
  t.deepEqual(statements, [['a']])
  await endOne()
  t.is(await result, 'result of a')
  void add('b')
  t.deepEqual(statements, [['a'], ['b']])
})

test('rows that wait go together, each with its own result', async (t) => {
  const { batch, statements, add, endOne } = createHeld()
  const results = ['a', 'b', 'c', 'd'].map((key) => add(key))
  await endOne()
  t.deepEqual(statements, [['a'], ['b', 'c', 'd']])
  await endOne()
  t.deepEqual(
    await Promise.all(results),
    ['a', 'b', 'c', 'd'].map((key) => `result of ${key}`),
  )
  t.deepEqual(batch.counts, { batches: 2, rows: 4 })
})

test('one key is never twice in a batch, and its rows stay in order', async (t) => {
  const { statements, add, endOne } = createHeld()
  const results = ['x', 'a', 'b', 'a', 'a', 'b', 'c'].map((key) => add(key))
  for (const _ of [1, 2, 3, 4]) await endOne()
  t.deepEqual(statements, [['x'], ['a', 'b', 'c'], ['a', 'b'], ['a']])
  await Promise.all(results)
  t.pass()
})

test('a batch is bounded, and the first to come go first', async (t) => {
  const { statements, add, endOne } = createHeld(3)
  const results = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => add(key))
  for (const _ of [1, 2, 3, 4]) await endOne()
  t.deepEqual(statements, [['a'], ['b', 'c', 'd'], ['e', 'f', 'g'], ['h']])
  await Promise.all(results)
})

test('one bad row fails only itself', async (t) => {
  const { statements, add, endOne } = createHeld()
  const first = add('x')
  const results = [add('a'), add('bad', true), add('c')].map(codeOf)
  await endOne()
  await first
  const later = add('later')
  for (const _ of [1, 2, 3, 4, 5]) await endOne()
  t.deepEqual(await Promise.all(results), ['done', 'a bad row', 'done'])
  t.is(await later, 'result of later')
  t.deepEqual(statements, [['x'], ['a', 'bad', 'c'], ['a'], ['bad'], ['c'], ['later']])
})

test('an unavailable graph fails all that wait at once', async (t) => {
  const { statements, add, endOne } = createHeld(2)
  const first = add('x')
  const results = ['a', 'b', 'c', 'd'].map((key) => codeOf(add(key)))
  await endOne()
  await first
  await endOne(new AuthError('service_unavailable'))
  t.deepEqual(new Set(await Promise.all(results)), new Set(['service_unavailable']))
  t.deepEqual(statements, [['x'], ['a', 'b']])
  const next = add('e')
  t.deepEqual(statements, [['x'], ['a', 'b'], ['e']], 'the next is tried')
  await endOne()
  t.is(await next, 'result of e')
})

test('a graph that is lost while rows are repeated one by one fails the rest at once', async (t) => {
  const { statements, add, endOne } = createHeld()
  const first = add('x')
  const results = ['a', 'b', 'c'].map((key) => codeOf(add(key)))
  await endOne()
  await first
  const later = codeOf(add('later'))
  await endOne(new TypeError('one of them is bad'))
  await endOne()
  await endOne(new AuthError('service_unavailable'))
  t.is(await results[0], 'done')
  t.is(await results[1], 'service_unavailable')
  t.is(await results[2], 'service_unavailable')
  t.is(await later, 'service_unavailable')
  t.deepEqual(statements, [['x'], ['a', 'b', 'c'], ['a'], ['b']])
})

/** The same graph, with each statement that is run noted by how many rows it has. */
function counted(engine: Engine): { store: Store; sizes: number[] } {
  const sizes: number[] = []
  function note(parameters: Record<string, unknown> = {}): void {
    const batch = parameters.rows ?? parameters.paths
    if (Array.isArray(batch)) sizes.push(batch.length)
  }
  const store = createStore({
    ...engine,
    read(statement, parameters) {
      note(parameters)
      return engine.read(statement, parameters)
    },
    write(statement, parameters) {
      note(parameters)
      return engine.write(statement, parameters)
    },
  })
  return { store, sizes }
}

async function newUser(store: Store): Promise<User> {
  const username = newUsername()
  const key = userKey(DEFAULT_TENANT, username)
  const user = { id: newId(), key, username, passwordHash: 'hash', tenant: DEFAULT_TENANT }
  await store.users.register(user)
  return (await store.users.find(key)) as User
}

async function open(
  store: Store,
  user: User,
  id = newId(),
  token = newId(),
): Promise<Token | undefined> {
  const spans = { sessionSeconds: 3600, tokenSeconds: 900 }
  return (await store.sessions.open({ id, user, token, kid: 'kid', ...spans }))?.token
}

async function openMany(store: Store, count: number): Promise<Token[]> {
  const user = await newUser(store)
  const opened = await Promise.all(Array.from({ length: count }, () => open(store, user)))
  return opened as Token[]
}

function end(store: Store, token: Token) {
  const how = { operation: newId(), scope: 'session', reason: 'logout' } as const
  return store.sessions.end(token, how)
}

function refresh(store: Store, token: Token, id = newId()) {
  const next = { id, kid: 'kid', tokenSeconds: 900, graceSeconds: 30 }
  return store.tokens.refresh(token, next)
}

/** An id that a statement which writes it does not take: the embedded graph stores maps as well. */
function poisonFor({ description }: Engine): string {
  const poison: unknown = description.startsWith('Neo4j') ? { not: 'text' } : Symbol('not text')
  return poison as string
}

function total(sizes: number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0)
}

registerOnEngines((test, opened) => {
  async function assertTogether(t: ExecutionContext, sizes: number[], rows: number) {
    t.is(total(sizes), rows)
    t.true(sizes.length <= 3, `${sizes}`)
  }

  test('log-ins, looks, refreshes and log-outs at once are few statements', async (t) => {
    const { store, sizes } = counted(opened().engine)
    const tokens = await openMany(store, 40)
    await assertTogether(t, sizes, 40)
    t.is(new Set(tokens.map(({ id }) => id)).size, 40)
    sizes.length = 0
    const sights = await Promise.all(tokens.map((token) => store.tokens.sight(token)))
    t.true(sights.every(({ known }) => known))
    await assertTogether(t, sizes, 40)
    sizes.length = 0
    const refreshed = await Promise.all(tokens.map((token) => refresh(store, token)))
    for (const [i, { successor, entry }] of refreshed.entries()) {
      t.deepEqual(successor?.sessions, tokens[i]?.sessions)
      t.is(entry?.id, tokens[i]?.id)
    }
    await assertTogether(t, sizes, 40)
    sizes.length = 0
    const entries = await Promise.all(tokens.map((token) => end(store, token)))
    for (const [i, entry] of entries.entries()) t.is(entry?.id, tokens[i]?.sessions[0])
    t.is(new Set(entries.map((entry) => entry?.seq)).size, 40, 'each has its own place')
    await assertTogether(t, sizes, 40)
  })

  test('a batch of log-ins with one whose id is taken', async (t) => {
    const { store, sizes } = counted(opened().engine)
    const user = await newUser(store)
    const taken = (await open(store, user))?.id
    sizes.length = 0
    const rows = Array.from({ length: 9 }, (_, i) => {
      return open(store, user, newId(), i === 4 ? taken : newId())
    })
    const outcomes = await Promise.allSettled(rows)
    for (const [i, outcome] of outcomes.entries()) {
      t.is(outcome.status, i === 4 ? 'rejected' : 'fulfilled', `${i}`)
      if (outcome.status === 'fulfilled') {
        t.true((await store.tokens.sight(outcome.value as Token)).known)
      }
    }
    // The first finds nothing under way, the others wait for it.
    t.deepEqual(sizes.slice(0, 10), [1, 8, 1, 1, 1, 1, 1, 1, 1, 1])
  })

  test('a batch of refreshes with one whose id is taken', async (t) => {
    const { store } = counted(opened().engine)
    const tokens = await openMany(store, 9)
    const before = (await store.feed.fence()).seq
    const rows = tokens.map((token, i) => refresh(store, token, i === 4 ? token.id : newId()))
    const outcomes = await Promise.allSettled(rows)
    for (const [i, outcome] of outcomes.entries()) {
      t.is(outcome.status, i === 4 ? 'rejected' : 'fulfilled', `${i}`)
      const { entries } = await store.tokens.sight(tokens[i] as Token)
      t.is(entries.length, i === 4 ? 0 : 1)
      if (outcome.status === 'rejected') continue
      t.true((outcome.value.entry?.seq ?? 0) > before)
      t.true((await store.tokens.sight(outcome.value.successor as Token)).known)
    }
    t.truthy((await refresh(store, tokens[4] as Token)).successor, 'it can still be refreshed')
  })

  test('a batch of log-outs with one that is not taken', async (t) => {
    const { store } = counted(opened().engine)
    const tokens = await openMany(store, 9)
    const rows = tokens.map((token, i) => {
      const operation = i === 4 ? poisonFor(opened().engine) : newId()
      const how = { operation, scope: 'session', reason: 'logout' } as const
      return store.sessions.end(token, how)
    })
    const outcomes = await Promise.allSettled(rows)
    for (const [i, outcome] of outcomes.entries()) {
      t.is(outcome.status, i === 4 ? 'rejected' : 'fulfilled', `${i}`)
      const { entries } = await store.tokens.sight(tokens[i] as Token)
      t.is(entries.length, i === 4 ? 0 : 1)
    }
    t.truthy(await end(store, tokens[4] as Token), 'it can still be ended')
  })
})

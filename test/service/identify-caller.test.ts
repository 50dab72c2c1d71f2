import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { CallerAuth } from '../../src/caller.ts'
import { createCallerAuth } from '../../src/service/identify-caller.ts'
import { createOperator } from '../../src/service/operate.ts'
import type { Tools } from '../../src/service/service.ts'
import type { Callers } from '../../src/store.ts'
import { type Opened, registerOnEngines } from '../support/suites.ts'
import { createTestService, newCallerName } from '../support/world.ts'

const UNKNOWN = { message: 'Caller is unknown' }
const SCOPES = ['verify', 'users']

/** One process's memory of callers, with the questions that it puts to the graph. */
async function start(t: ExecutionContext, { engine }: Opened, fromMemory = true, most = 100) {
  const { tools, remembering, close } = createTestService(engine, { fromMemory })
  t.teardown(close)
  while (remembering && !remembering.follower.isTrusted()) await delay(5)
  const asked = { keys: 0, names: 0, seen: 0 }
  let slowness: Promise<unknown> = Promise.resolve()
  const callers: Callers = {
    ...tools.store.callers,
    async byKey(id) {
      asked.keys += 1
      const held = await tools.store.callers.byKey(id)
      asked.seen += 1
      await slowness
      return held
    },
    byCertificate(name) {
      asked.names += 1
      return tools.store.callers.byCertificate(name)
    },
  }
  const clock = { ms: 1_000 }
  const counted: Tools = { ...tools, store: { ...tools.store, callers } }
  const auth = createCallerAuth(counted, { monotonic: () => clock.ms, most })
  const operator = createOperator(tools)

  return {
    auth,
    asked,
    clock,
    operator,
    tools,
    memory: remembering?.memory,
    slow(until: Promise<unknown>) {
      slowness = until
    },
    async add(others: object = {}) {
      const name = newCallerName()
      const { key } = await operator.addCaller({ name, scopes: SCOPES, ...others })
      return { name, key: key ?? '' }
    },
  }
}

async function isKnown(auth: CallerAuth, key: string): Promise<boolean> {
  return auth.identify(key).then(
    () => true,
    () => false,
  )
}

registerOnEngines((test, opened) => {
  test('a key that was seen is known without asking again', async (t) => {
    const { auth, asked, add } = await start(t, opened())
    const { name, key } = await add()
    t.is(auth.recall(key), undefined)
    const caller = await auth.identify(key)
    t.like(caller, { name, scopes: SCOPES, tenant: null })
    t.is(auth.recall(key), caller)
    t.is(await auth.identify(key), caller)
    t.is(asked.keys, 1)
  })

  test('without memory, and while it is not trusted, the graph is asked each time', async (t) => {
    const { auth, asked, add, operator } = await start(t, opened(), false)
    const { name, key } = await add()
    for (let i = 0; i < 3; i += 1) t.is((await auth.identify(key)).name, name)
    t.is(auth.recall(key), undefined)
    t.is(asked.keys, 3)
    await operator.revokeCaller(name)
    await t.throwsAsync(auth.identify(key), UNKNOWN)
  })

  test('a revoked caller is refused at once here, and elsewhere when the feed tells', async (t) => {
    const [here, there] = [await start(t, opened()), await start(t, opened())]
    const { name, key } = await here.add()
    await here.auth.identify(key)
    await there.auth.identify(key)
    await here.operator.revokeCaller(name)
    t.is(here.auth.recall(key), undefined)
    await t.throwsAsync(here.auth.identify(key), UNKNOWN)
    while (there.auth.recall(key)) await delay(5)
    const before = there.asked.keys
    await t.throwsAsync(there.auth.identify(key), UNKNOWN)
    t.is(there.asked.keys, before, 'what has ended is told from memory')
    // The name is another caller's now, with a key of its own.
    const again = await here.operator.addCaller({ name, scopes: SCOPES })
    t.is((await there.auth.identify(again.key ?? '')).name, name)
    t.false(await isKnown(there.auth, key))
  })

  test('a rotated key counts until its overlap is over, in memory too', async (t) => {
    const [here, there] = [await start(t, opened()), await start(t, opened())]
    const { name, key } = await here.add()
    await there.auth.identify(key)
    const before = performance.now()
    const { key: second } = await here.operator.rotateCaller({ name, overlapSeconds: 3 })
    const begun = performance.now()
    t.like(await there.auth.identify(second ?? ''), { name })
    await delay(500)
    for (const { auth } of [here, there]) {
      t.true(await isKnown(auth, key))
      t.true(await isKnown(auth, second ?? ''))
    }
    const last = { here: 0, there: 0 }
    while (performance.now() - begun < 4_000) {
      if (await isKnown(here.auth, key)) last.here = performance.now() - begun
      if (await isKnown(there.auth, key)) last.there = performance.now() - begun
      await delay(10)
    }
    // Its time is the graph's at an instant of the rotation.
    const least = 2_700 - (begun - before)
    for (const ms of Object.values(last)) t.true(ms > least && ms < 3_300, `until ${ms} ms`)
    t.true(await isKnown(there.auth, second ?? ''))
  })

  test('what is known is asked again after ten minutes, on either clock', async (t) => {
    const { auth, asked, clock, add, tools } = await start(t, opened())
    const { key } = await add()
    await auth.identify(key)
    clock.ms += 600_000
    t.truthy(auth.recall(key))
    clock.ms += 1
    t.is(auth.recall(key), undefined)
    await auth.identify(key)
    t.is(asked.keys, 2)
    t.truthy(auth.recall(key))
    const { now } = tools.store
    const later = createCallerAuth(
      { ...tools, store: { ...tools.store, now: () => now() + hop } },
      { monotonic: () => 0 },
    )
    let hop = 0
    await later.identify(key)
    t.truthy(later.recall(key))
    hop = 600_100
    t.is(later.recall(key), undefined)
  })

  test('another graph, or an older state of it, voids what is known', async (t) => {
    const { auth, add, tools } = await start(t, opened())
    let mark = 0
    const paths = tools.paths && { ...tools.paths, mark: () => mark }
    const marked = createCallerAuth({ ...tools, ...(paths && { paths }) }, { monotonic: () => 0 })
    const { key } = await add()
    await marked.identify(key)
    t.truthy(marked.recall(key))
    mark += 1
    t.is(marked.recall(key), undefined)
    t.truthy(await auth.identify(key))
  })

  test('what comes at once asks together, and nobody gets an answer older than the question', async (t) => {
    const { auth, asked, add, slow, operator } = await start(t, opened(), false)
    const { name, key } = await add()
    const { promise, resolve } = Promise.withResolvers<void>()
    slow(promise)
    const first = auth.identify(key)
    while (asked.seen === 0) await delay(5)
    await operator.revokeCaller(name)
    const late = Promise.allSettled(Array.from({ length: 100 }, () => auth.identify(key)))
    resolve()
    t.is((await first).name, name)
    t.true((await late).every(({ status }) => status === 'rejected'))
    t.is(asked.keys, 2)
  })

  test('guesses are neither remembered nor sent one by one', async (t) => {
    const { auth, asked, add, tools } = await start(t, opened())
    const { key } = await add()
    const wrong = `${key.slice(0, -5)}${key.endsWith('AAAAA') ? 'BBBBB' : 'AAAAA'}`
    for (const guess of ['', 'sgk_', 'Bearer x', key.slice(1), `${key}x`, '__proto__']) {
      await t.throwsAsync(auth.identify(guess), UNKNOWN)
    }
    t.is(asked.keys, 0, 'what is no key is told without the graph')
    await t.throwsAsync(auth.identify(wrong), UNKNOWN)
    await t.throwsAsync(auth.identify(wrong), UNKNOWN)
    t.is(asked.keys, 2)
    const before = tools.store.batches().caller_key?.batches ?? 0
    const made = Array.from({ length: 300 }, () => tools.apiKeys.make().text)
    const answers = await Promise.allSettled(made.map((guess) => auth.identify(guess)))
    t.true(answers.every(({ status }) => status === 'rejected'))
    t.true((tools.store.batches().caller_key?.batches ?? 0) - before <= 3)
    t.truthy(await auth.identify(key))
  })

  test('so many keys are remembered and no more, the oldest go', async (t) => {
    const { auth, add } = await start(t, opened(), true, 3)
    const keys = await Promise.all([1, 2, 3, 4].map(async () => (await add()).key))
    for (const key of keys.slice(0, 3)) await auth.identify(key)
    for (const key of keys.slice(0, 3)) t.truthy(auth.recall(key))
    for (let i = 0; i < 3; i += 1) await auth.identify(keys[3] ?? '')
    t.deepEqual(
      keys.map((key) => auth.recall(key) !== undefined),
      [false, true, true, true],
    )
    t.truthy(await auth.identify(keys[0] ?? ''))
  })

  test('a certificate counts by its name, and a name given anew is the new caller', async (t) => {
    const [here, there] = [await start(t, opened()), await start(t, opened())]
    const { name } = await here.add({ certificate: true })
    const keyed = await here.add()
    const caller = await there.auth.identifyCertified(name)
    t.is(there.auth.recallCertified(name), caller)
    t.is(there.asked.names, 1)
    await t.throwsAsync(there.auth.identifyCertified(keyed.name), UNKNOWN)
    await here.operator.revokeCaller(name)
    while (there.auth.recallCertified(name)) await delay(5)
    await t.throwsAsync(there.auth.identifyCertified(name), UNKNOWN)
    await here.operator.addCaller({ name, scopes: ['admin'], certificate: true })
    const again = await there.auth.identifyCertified(name)
    t.not(again.id, caller.id)
    t.deepEqual(again.scopes, ['admin'])
    t.is(there.auth.recallCertified(name), again)
  })
})

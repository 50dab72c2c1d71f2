import { setTimeout as delay } from 'node:timers/promises'
import anyTest, { type ExecutionContext } from 'ava'
import { AuthError } from '../../src/error.ts'
import type { Engine } from '../../src/graph/engine.ts'
import { newId } from '../../src/id.ts'
import { neo4j } from '../support/engines.ts'
import { openBehindProxy } from '../support/neo4j-engines.ts'

const test = neo4j ? anyTest : anyTest.skip
/** How far past its deadline an answer may come on a busy machine, in ms. */
const SLACK_MS = 500

/** What came of a read: how long it took in ms, and why it failed. */
async function read(engine: Engine, statement = 'RETURN 1 AS one') {
  const begun = performance.now()
  const error: unknown = await engine.read(statement).then(
    () => undefined,
    (error) => error,
  )
  return { ms: performance.now() - begun, error }
}

function isUnavailable(t: ExecutionContext, error: unknown, reason: RegExp): void {
  t.true(error instanceof AuthError, String(error))
  const { code, cause } = error as AuthError
  t.is(code, 'service_unavailable')
  t.regex((cause as Error).message, reason)
}

function failures(outcomes: { error: unknown }[]): string[] {
  const errors = outcomes.map(({ error }) => error as AuthError | undefined)
  return errors.filter((error) => error !== undefined).map(({ cause }) => String(cause))
}

/** Waits for the first read that succeeds, and that 50 more do; gives the time to the first, in ms. */
async function recovered(t: ExecutionContext, engine: Engine): Promise<number> {
  const begun = performance.now()
  while ((await read(engine)).error) {
    if (performance.now() - begun > 10_000) throw new Error('no read succeeded for 10 s')
    await delay(20)
  }
  const ms = performance.now() - begun
  const burst = await Promise.all(Array.from({ length: 50 }, () => read(engine)))
  t.deepEqual(failures(burst), [], 'no burst of errors after the first success')
  return ms
}

for (const size of [1, 20]) {
  for (const direction of ['both', 'up', 'down'] as const) {
    test(`silence (${direction}) holds no call past its deadline, and is got over: pool of ${size}`, async (t) => {
      const pool = { deadlineMs: 1_000, maxConnectionPoolSize: size }
      const { engine, proxy } = await openBehindProxy(t, pool)
      await engine.read('RETURN 1')
      proxy.silence(direction)
      const during = await Promise.all(Array.from({ length: 30 }, () => read(engine)))
      for (const { ms, error } of during) {
        isUnavailable(t, error, /does not answer in time|too slow for the load|was lost/)
        t.true(ms < 1_000 + SLACK_MS, `${ms} ms`)
      }
      await delay(1_200)
      const later = await read(engine)
      isUnavailable(t, later.error, /does not answer in time: see whether it hangs/)
      t.true(later.ms < 100, 'once it is known, nobody waits for it')
      await proxy.heal()
      t.true((await recovered(t, engine)) < 5_000)
      t.true(proxy.connections() <= size + 8, 'few connections are left behind')
    })
  }

  test(`a cut is got over without an error: pool of ${size}`, async (t) => {
    const { engine, proxy } = await openBehindProxy(t, { maxConnectionPoolSize: size })
    await engine.read('RETURN 1')
    const running = Array.from({ length: 30 }, () => read(engine))
    proxy.cut()
    await delay(500)
    await proxy.heal()
    const outcomes = await Promise.all(running)
    t.deepEqual(failures(outcomes), [])
  })
}

test('a refused connection fails within the deadline at first, at once later, and is got over', async (t) => {
  const away: string[] = []
  const back: number[] = []
  const { engine, proxy } = await openBehindProxy(t, {
    deadlineMs: 1_000,
    onAway: (reason) => away.push(reason),
    onBack: (ms) => back.push(ms),
  })
  await engine.read('RETURN 1')
  await proxy.refuse()
  const first = await read(engine)
  isUnavailable(t, first.error, /nothing listens at 127\.0\.0\.1:\d+: start Neo4j/)
  t.true(first.ms < 1_000 + SLACK_MS)
  await delay(1_000)
  t.true((await read(engine)).ms < 100)
  t.is(away.length, 1, 'the log is told once')
  await proxy.heal()
  t.true((await recovered(t, engine)) < 5_000)
  t.is(back.length, 2, 'at the start and now')
  t.true((back[1] as number) > 1_000)
})

test('a connection that died in silence is not used again, while others serve', async (t) => {
  const pool = { deadlineMs: 1_000, maxConnectionPoolSize: 2 }
  const { engine, proxy } = await openBehindProxy(t, pool)
  for (let i = 0; i < 3; i += 1) {
    const mark = `RETURN '${newId()}'`
    const swallowed = proxy.swallowReply(mark, 'silence')
    const [one] = await Promise.all([read(engine, mark), swallowed])
    t.truthy(one.error)
    const others = await Promise.all(Array.from({ length: 10 }, () => read(engine)))
    t.deepEqual(failures(others), [])
  }
  await delay(1_500)
  t.true(proxy.connections() <= 2, `${proxy.connections()} connections are left`)
})

test('a late answer is an answer; one past the deadline is not, and that is got over', async (t) => {
  const { engine, proxy } = await openBehindProxy(t)
  await engine.read('RETURN 1')
  proxy.delay(2_000)
  const late = await read(engine)
  t.is(late.error, undefined)
  t.true(late.ms >= 2_000)
  const more = await Promise.all(Array.from({ length: 20 }, () => read(engine)))
  for (const { ms, error } of more) {
    if (error) isUnavailable(t, error, /./)
    t.true(ms < 2_500 + SLACK_MS, `${ms} ms`)
  }
  proxy.delay(6_000)
  const tooLate = await read(engine)
  isUnavailable(t, tooLate.error, /does not answer in time|too slow for the load|was lost/)
  t.true(tooLate.ms < 2_500 + SLACK_MS)
  await proxy.heal()
  t.true((await recovered(t, engine)) < 5_000)
})

test('a statement that is given up ends on the server, too', async (t) => {
  const { engine } = await openBehindProxy(t, { deadlineMs: 1_000 })
  const mark = newId()
  const slow = await read(
    engine,
    `UNWIND range(1, 1000000000) AS x WITH x WHERE x = -1 RETURN '${mark}'`,
  )
  isUnavailable(t, slow.error, /does not answer in time|terminated|timed? ?out/i)
  t.true(slow.ms < 1_000 + SLACK_MS)
  await delay(200)
  const [row] = await engine.read(
    `SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery CONTAINS $mark
       AND NOT currentQuery CONTAINS 'SHOW'
     RETURN count(*) AS running`,
    { mark },
  )
  t.is(row?.running, 0)
})

test('deadlocks are retried inside the deadline', async (t) => {
  const { engine } = await openBehindProxy(t, { deadlineMs: 5_000 })
  const [a, b] = [`test ${newId()}`, `test ${newId()}`]
  await engine.write('UNWIND $names AS name CREATE (:Lease {name: name})', { names: [a, b] })
  const both = `UNWIND $names AS name
    MATCH (lease:Lease {name: name}) SET lease.turns = coalesce(lease.turns, 0) + 1
    WITH lease UNWIND range(1, 20000) AS x WITH lease, count(x) AS count
    RETURN count`
  const orders = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? [a, b] : [b, a]))
  await Promise.all(orders.map((names) => engine.write(both, { names })))
  const rows = await engine.write(
    `MATCH (lease:Lease) WHERE lease.name IN $names
     WITH lease, lease.turns AS turns DELETE lease RETURN turns`,
    { names: [a, b] },
  )
  t.is(rows.length, 2)
})

import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { AuthError } from '../src/error.ts'
import { createQueue, type Queue } from '../src/queue.ts'

const BUSY = { instanceOf: AuthError, code: 'service_unavailable', message: 'Service unavailable' }

/** Takes one place of the queue until it is let go of. */
function hold(queue: Queue): { free: () => void; held: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { free: resolve, held: queue.run(() => promise) }
}

test('a task gives its result, or its own error', async (t) => {
  const queue = createQueue(1, 1000)
  t.is(await queue.run(async () => 'done'), 'done')
  const error = new RangeError('its own')
  t.is(await t.throwsAsync(queue.run(() => Promise.reject(error))), error)
})

for (const concurrency of [1, 3]) {
  test(`${concurrency} of 30 tasks run at once, never more`, async (t) => {
    const queue = createQueue(concurrency, 60_000)
    const seen: number[] = []
    let running = 0
    async function task(i: number): Promise<number> {
      running += 1
      seen.push(running)
      await delay(i % 4)
      running -= 1
      return i
    }
    const tasks = Array.from({ length: 30 }, (_, i) => i)
    t.deepEqual(await Promise.all(tasks.map((i) => queue.run(() => task(i)))), tasks)
    t.is(seen.length, 30)
    t.is(Math.max(...seen), concurrency)
    t.is(running, 0)
  })
}

test('the bound is kept after failures and refusals', async (t) => {
  const queue = createQueue(2, 20)
  const first = hold(queue)
  const second = hold(queue)
  const late = Array.from({ length: 5 }, () => queue.run(async () => 'never'))
  await Promise.all(late.map((one) => t.throwsAsync(one, BUSY)))
  first.free()
  second.free()
  await Promise.all([first.held, second.held])
  await t.throwsAsync(
    queue.run(() => Promise.reject(new Error('failed'))),
    { message: 'failed' },
  )
  const [a, b] = [hold(queue), hold(queue)]
  let ran = false
  const third = queue.run(async () => {
    ran = true
  })
  await t.throwsAsync(third, BUSY)
  t.false(ran)
  a.free()
  b.free()
  await Promise.all([a.held, b.held])
})

test('whether there is room is told before a task is there', async (t) => {
  // Nobody may wait.
  const queue = createQueue(1, -1)
  queue.requireRoom()
  const { free, held } = hold(queue)
  t.throws(() => queue.requireRoom(), BUSY)
  await t.throwsAsync(
    queue.run(async () => 'never'),
    BUSY,
  )
  t.deepEqual(queue.status(), { running: 1, waiting: 0, refused: 2 })
  free()
  await held
  queue.requireRoom()
  t.is(await queue.run(async () => 'done'), 'done')
})

test('tasks begin in the order in which they came', async (t) => {
  const queue = createQueue(2, 60_000)
  const begun: number[] = []
  const tasks = Array.from({ length: 40 }, (_, i) => i)
  await Promise.all(
    tasks.map((i) =>
      queue.run(async () => {
        begun.push(i)
        await delay((i * 7) % 5)
      }),
    ),
  )
  t.deepEqual(begun, tasks)
})

test('who comes when a place gets free does not overtake who waits', async (t) => {
  const queue = createQueue(1, 60_000)
  const begun: string[] = []
  const { free, held } = hold(queue)
  const note = (name: string) => queue.run(async () => begun.push(name))
  const waiting = ['first', 'second', 'third'].map(note)
  const late = held.then(() => note('late'))
  free()
  await Promise.all([...waiting, late])
  t.deepEqual(begun, ['first', 'second', 'third', 'late'])
})

test('a wait over the limit is refused in about the limit, and its task never runs', async (t) => {
  const queue = createQueue(1, 200)
  const { free, held } = hold(queue)
  let ran = false
  const begun = performance.now()
  await t.throwsAsync(
    queue.run(async () => {
      ran = true
    }),
    BUSY,
  )
  const waited = performance.now() - begun
  t.true(waited > 150 && waited < 3000, `${waited} ms`)
  free()
  await held
  await queue.run(async () => undefined)
  t.false(ran)
})

test('a wait within the limit is not refused', async (t) => {
  const queue = createQueue(1, 60_000)
  const { free, held } = hold(queue)
  const waiting = queue.run(async () => 'done')
  await delay(50)
  free()
  await held
  t.is(await waiting, 'done')
})

test('a hopeless wait is refused at once', async (t) => {
  const limit = 8000
  const queue = createQueue(1, limit)
  await queue.run(() => delay(500))
  const { free, held } = hold(queue)
  const begun = performance.now()
  // At half a second each, the limit is 16 tasks away.
  const outcomes = Array.from({ length: 40 }, () =>
    queue.run(async () => 'done').catch((error: AuthError) => error.code),
  )
  t.is(await outcomes.at(-1), 'service_unavailable')
  const waited = performance.now() - begun
  t.true(waited < limit / 4, `${waited} ms`)
  free()
  await held
  const settled = await Promise.all(outcomes)
  const served = settled.filter((outcome) => outcome === 'done').length
  t.true(served > 1 && served < 20, `${served} were served`)
  t.deepEqual(settled, [
    ...Array.from({ length: served }, () => 'done'),
    ...Array.from({ length: 40 - served }, () => 'service_unavailable'),
  ])
})

test('one slow task does not shut the queue for good', async (t) => {
  const queue = createQueue(1, 50)
  await queue.run(() => delay(300))
  const { free, held } = hold(queue)
  const waiting = queue.run(async () => 'done')
  free()
  await held
  t.is(await waiting, 'done')
})

test('a failing task frees its place, whether it rejects or throws', async (t) => {
  const queue = createQueue(1, 60_000)
  const failures = [
    () => Promise.reject(new Error('rejected')),
    () => {
      throw new Error('thrown')
    },
  ]
  const settled = Promise.allSettled(failures.map((task) => queue.run<string>(task)))
  t.is(await queue.run(async () => 'done'), 'done')
  t.deepEqual(
    (await settled).map((one) => one.status === 'rejected' && (one.reason as Error).message),
    ['rejected', 'thrown'],
  )
  t.is(await queue.run(async () => 'done again'), 'done again')
})

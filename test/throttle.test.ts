import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { AuthError } from '../src/error.ts'
import { createThrottle, type Throttle, type ThrottleLimits } from '../src/throttle.ts'

const LIMITS: ThrottleLimits = {
  windowSeconds: 60,
  perAccount: 3,
  perSource: 6,
  inAll: 1_000,
  maxWaitMs: 200,
  mostCounters: 1_000,
}

function throttleOf(limits: Partial<ThrottleLimits> = {}): Throttle {
  return createThrottle({ ...LIMITS, ...limits })
}

const wrong = async () => {
  throw new AuthError('bad_credentials')
}
const right = async () => 'in'

type Tried = 'right' | 'wrong' | 'refused' | 'busy'

/** One attempt: what came of it. */
async function tryOnce(
  throttle: Throttle,
  account: string,
  source: string,
  compare: () => Promise<unknown> = wrong,
): Promise<Tried> {
  try {
    await throttle.guard({ account, source }, compare)
    return 'right'
  } catch (error) {
    const { code } = error as AuthError
    if (code === 'too_many_attempts') return 'refused'
    return code === 'service_unavailable' ? 'busy' : 'wrong'
  }
}

async function tryOften(n: number, throttle: Throttle, account: string, source: string) {
  const tried: Tried[] = []
  for (let i = 0; i < n; i += 1) tried.push(await tryOnce(throttle, account, source))
  return tried
}

function isWait(t: ExecutionContext, seconds: unknown): void {
  t.true(Number.isInteger(seconds) && Number(seconds) > 0 && Number(seconds) <= 60, String(seconds))
}

test('an account is refused after its wrong ones from one source, and not from elsewhere', async (t) => {
  const throttle = throttleOf()
  t.deepEqual(await tryOften(4, throttle, 'ada', '10.0.0.1'), [
    'wrong',
    'wrong',
    'wrong',
    'refused',
  ])
  t.is(await tryOnce(throttle, 'ada', '10.0.0.1', right), 'refused')
  t.is(await tryOnce(throttle, 'ada', '10.0.0.2', right), 'right')
  t.is(await tryOnce(throttle, 'bob', '10.0.0.1', right), 'right')
  t.is(throttle.status().refused, 2)
})

test('a source is refused after its wrong ones for any accounts', async (t) => {
  const throttle = throttleOf()
  for (let i = 0; i < 6; i += 1) t.is(await tryOnce(throttle, `user-${i}`, '10.0.0.1'), 'wrong')
  t.is(await tryOnce(throttle, 'user-9', '10.0.0.1', right), 'refused')
  t.is(await tryOnce(throttle, 'user-9', '10.0.0.2', right), 'right')
})

test('hosts of one IPv6 network are one source', async (t) => {
  const throttle = throttleOf()
  for (let i = 0; i < 3; i += 1) t.is(await tryOnce(throttle, 'ada', `2001:db8::${i}`), 'wrong')
  t.is(await tryOnce(throttle, 'ada', '2001:db8::ffff'), 'refused')
  t.is(await tryOnce(throttle, 'ada', '2001:db8:0:1::ffff', right), 'right')
})

test('too many in all slow only sources that had a wrong one', async (t) => {
  const throttle = throttleOf({ inAll: 5 })
  for (let i = 0; i < 5; i += 1) t.is(await tryOnce(throttle, 'ada', `10.0.0.${i}`), 'wrong')
  t.is(await tryOnce(throttle, 'bob', '10.0.0.1', right), 'refused')
  t.is(await tryOnce(throttle, 'ada', '10.0.1.1', right), 'right')
  t.is(await tryOnce(throttle, 'ada', '10.0.1.2', wrong), 'wrong')
  t.is(await tryOnce(throttle, 'ada', '10.0.1.2', right), 'refused')
})

test('a refusal says when the window ends, and then it has ended', async (t) => {
  const throttle = throttleOf({ windowSeconds: 1, perAccount: 1 })
  await tryOnce(throttle, 'ada', '10.0.0.1')
  const error = await t.throwsAsync(throttle.guard({ account: 'ada', source: '10.0.0.1' }, right), {
    instanceOf: AuthError,
    code: 'too_many_attempts',
  })
  t.is(error?.retryAfter, 1)
  await delay(1_050)
  t.is(await tryOnce(throttle, 'ada', '10.0.0.1', right), 'right')
})

test('the seconds of a refusal are whole and within the window', async (t) => {
  const throttle = throttleOf({ perAccount: 1 })
  await tryOnce(throttle, 'ada', '10.0.0.1')
  const { retryAfter } = await throttle.guard({ account: 'ada', source: '10.0.0.1' }, right).then(
    () => t.fail() as never,
    (error: AuthError) => error,
  )
  isWait(t, retryAfter)
})

test('a right one clears its account at its source, and nothing of the source', async (t) => {
  const throttle = throttleOf()
  await tryOften(2, throttle, 'ada', '10.0.0.1')
  t.is(await tryOnce(throttle, 'ada', '10.0.0.1', right), 'right')
  t.deepEqual(await tryOften(3, throttle, 'ada', '10.0.0.1'), ['wrong', 'wrong', 'wrong'])
  await tryOnce(throttle, 'bob', '10.0.0.1')
  t.is(await tryOnce(throttle, 'eve', '10.0.0.1', right), 'refused', 'six of the source')
})

test('what fails otherwise counts for nothing', async (t) => {
  const throttle = throttleOf()
  const down = async () => {
    throw new AuthError('service_unavailable')
  }
  for (let i = 0; i < 10; i += 1) t.is(await tryOnce(throttle, 'ada', '10.0.0.1', down), 'busy')
  await t.throwsAsync(
    throttle.guard({ account: 'ada', source: '10.0.0.1' }, () => Promise.reject(new Error('x'))),
    { message: 'x' },
  )
  t.is(await tryOnce(throttle, 'ada', '10.0.0.1', right), 'right')
  t.is(throttle.status().counted, 0)
})

test('of many at once no more are compared than may be wrong', async (t) => {
  const throttle = throttleOf({ perSource: 100, maxWaitMs: 5_000 })
  let compared = 0
  const slow = async () => {
    compared += 1
    await delay(5)
    throw new AuthError('user_does_not_exist')
  }
  const tried = await Promise.all(
    Array.from({ length: 1_000 }, () => tryOnce(throttle, 'ada', '10.0.0.1', slow)),
  )
  t.is(compared, 3)
  t.is(tried.filter((one) => one === 'wrong').length, 3)
  t.is(tried.filter((one) => one === 'refused').length, 997)
  t.is(throttle.status().waiting, 0)
})

test('many at once for many accounts of one source end the same way', async (t) => {
  const throttle = throttleOf({ maxWaitMs: 5_000 })
  let compared = 0
  const slow = async () => {
    compared += 1
    await delay(5)
    throw new AuthError('bad_credentials')
  }
  const tried = await Promise.all(
    Array.from({ length: 300 }, (_, i) => tryOnce(throttle, `user-${i % 30}`, '10.0.0.1', slow)),
  )
  t.is(compared, 6)
  t.is(tried.filter((one) => one === 'refused').length, 294)
  t.is(throttle.status().waiting, 0)
})

test('right ones at once all get in, a few at a time', async (t) => {
  const throttle = throttleOf({ maxWaitMs: 5_000 })
  let now = 0
  let most = 0
  const slow = async () => {
    now += 1
    most = Math.max(most, now)
    await delay(2)
    now -= 1
  }
  const tried = await Promise.all(
    Array.from({ length: 100 }, () => tryOnce(throttle, 'ada', '10.0.0.1', slow)),
  )
  t.deepEqual(new Set(tried), new Set(['right']))
  t.is(most, 3)
})

test('right and wrong ones in any order never let more wrong ones through', async (t) => {
  const throttle = throttleOf({ perSource: 20, perAccount: 4, maxWaitMs: 5_000 })
  const results = await Promise.all(
    Array.from({ length: 400 }, async (_, i) => {
      await delay(i % 7)
      return tryOnce(throttle, `user-${i % 40}`, '10.0.0.1', async () => {
        await delay(i % 5)
        if (i % 3 !== 0) throw new AuthError('bad_credentials')
      })
    }),
  )
  t.is(results.filter((one) => one === 'wrong').length, 20)
  t.is(results.filter((one) => one === 'busy').length, 0)
  t.is(throttle.status().waiting, 0)
})

test('who waits too long is told that the service is busy', async (t) => {
  const throttle = throttleOf({ perAccount: 1, maxWaitMs: 50 })
  const { promise, resolve } = Promise.withResolvers<void>()
  const held = tryOnce(throttle, 'ada', '10.0.0.1', () => promise)
  t.is(await tryOnce(throttle, 'ada', '10.0.0.1', right), 'busy')
  resolve()
  t.is(await held, 'right')
  t.is(throttle.status().waiting, 0)
})

test('limits that are off never refuse', async (t) => {
  const off = Number.POSITIVE_INFINITY
  const throttle = throttleOf({ perAccount: off, perSource: off, inAll: off })
  const tried = await tryOften(500, throttle, 'ada', '10.0.0.1')
  t.deepEqual(new Set(tried), new Set(['wrong']))
})

test('names and addresses that are made up do not fill memory: the oldest go', async (t) => {
  const throttle = throttleOf({ perSource: 1e9, inAll: 1e9, mostCounters: 100 })
  for (let i = 0; i < 3; i += 1) await tryOnce(throttle, 'first', '10.0.0.1')
  t.is(await tryOnce(throttle, 'first', '10.0.0.1'), 'refused')
  for (let i = 0; i < 1_000; i += 1)
    await tryOnce(throttle, `user-${i}`, `10.1.${i >> 8}.${i & 255}`)
  t.is(throttle.status().counted, 200)
  t.is(await tryOnce(throttle, 'first', '10.0.0.1'), 'wrong', 'its count has gone')
  t.is(await tryOnce(throttle, 'user-999', '10.1.3.231'), 'wrong', 'the newest is still counted')
})

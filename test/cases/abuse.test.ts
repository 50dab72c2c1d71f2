import test, { type ExecutionContext } from 'ava'
import { type Answer, bearer, json, type Sending } from '../support/http-client.ts'
import { type Service, startService } from '../support/service-process.ts'

const ada = { username: 'ada', password: 'correct horse battery' }
const eve = { username: 'eve', password: 'correct horse battery' }

/** A body that comes through a proxy, from a source. */
function from(source: string, body: object): Sending {
  const sending = json(body)
  return { ...sending, headers: { ...sending.headers, 'X-Forwarded-For': source } }
}

async function serve(t: ExecutionContext, env = {}): Promise<Service> {
  const service = await startService(t, { TRUSTED_PROXIES: '127.0.0.1', ...env })
  for (const user of [ada, eve]) await service.request('POST', '/auth/user', json(user))
  return service
}

function isRefused(t: ExecutionContext, answer: Answer): void {
  t.is(answer.status, 429, answer.text)
  t.is(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
  t.like(answer.json, { code: 'too_many_attempts', message: 'Too many attempts' })
  const wait = Number(answer.headers['retry-after'])
  t.true(Number.isInteger(wait) && wait > 0 && wait <= 900, String(wait))
}

test.serial(
  'Abuse: 1,000 wrong passwords from one source are 429 with Retry-After, and another source still gets in',
  async (t) => {
    const service = await serve(t)
    const answers: Answer[] = []
    for (let i = 0; i < 20; i += 1) {
      const wrong = (j: number) => from('203.0.113.9', { ...ada, password: `wrong ${i} ${j}` })
      const some = Array.from({ length: 50 }, (_, j) => service.request('POST', '/auth', wrong(j)))
      answers.push(...(await Promise.all(some)))
    }
    const compared = answers.filter(({ status }) => status === 401)
    t.is(compared.length, 10)
    const refused = answers.filter(({ status }) => status === 429)
    t.is(refused.length, 990)
    for (const one of refused) isRefused(t, one)

    isRefused(t, await service.request('POST', '/auth', from('203.0.113.9', ada)))
    t.is((await service.request('POST', '/auth', from('203.0.113.10', ada))).status, 200)
    t.is((await service.request('POST', '/auth', from('203.0.113.9', eve))).status, 200)
    t.is((await service.request('POST', '/auth', json(ada))).status, 200, 'the proxy itself')

    const { text } = await service.request('GET', '/metrics')
    t.regex(text, /^sessiongraph_login_throttled_total 991$/m)
    const audit = service.logs().filter((line) => line.audit && line.code === 'too_many_attempts')
    t.is(audit.length, 991)
    t.like(audit[0], { event: 'login', result: 'refused', source: '203.0.113.9' })
    t.false(service.output().includes('wrong '))
  },
)

test.serial('Abuse: 1,000 wrong passwords at once are no more than ten guesses', async (t) => {
  const service = await serve(t, { BCRYPT_COST: '8' })
  const answers = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) =>
      service.request('POST', '/auth', from('203.0.113.9', { ...ada, password: `wrong ${i}` })),
    ),
  )
  const count = (status: number) => answers.filter((answer) => answer.status === status).length
  // Where hashing is slow, some that would have been compared have waited too long.
  t.true(count(401) > 0 && count(401) <= 10, String(count(401)))
  t.is(count(401) + count(429) + count(503), 1_000)
})

test.serial('Abuse: names that nobody has are counted by source', async (t) => {
  const service = await serve(t)
  for (let i = 0; i < 100; i += 1) {
    const unknown = from('203.0.113.9', { ...ada, username: `nobody-${i}` })
    t.is((await service.request('POST', '/auth', unknown)).status, 400)
  }
  isRefused(t, await service.request('POST', '/auth', from('203.0.113.9', ada)))
  t.is((await service.request('POST', '/auth', from('203.0.113.10', ada))).status, 200)
})

test.serial('Abuse: wrong current passwords are counted as wrong log-ins are', async (t) => {
  const service = await serve(t)
  const change = { ...ada, password: 'another horse battery' }
  for (let i = 0; i < 10; i += 1) {
    const wrong = from('203.0.113.9', { ...change, currentPassword: `wrong ${i}` })
    t.is((await service.request('PATCH', '/auth/user', wrong)).status, 401)
  }
  const right = { ...change, currentPassword: ada.password }
  isRefused(t, await service.request('PATCH', '/auth/user', from('203.0.113.9', right)))
  isRefused(t, await service.request('POST', '/auth', from('203.0.113.9', ada)))
  t.is((await service.request('PATCH', '/auth/user', from('203.0.113.1', right))).status, 201)
})

test.serial('Abuse: a log-in clears the count of its account', async (t) => {
  const service = await serve(t, { LOGIN_FAILURES_PER_ACCOUNT: '3' })
  const wrong = () => service.request('POST', '/auth', json({ ...ada, password: 'wrong' }))
  for (let round = 0; round < 3; round += 1) {
    t.is((await wrong()).status, 401)
    t.is((await wrong()).status, 401)
    t.is((await service.request('POST', '/auth', json(ada))).status, 200)
  }
})

test.serial('Abuse: a forged X-Forwarded-For does not make another source', async (t) => {
  const service = await serve(t, { TRUSTED_PROXIES: '10.0.0.0/8', LOGIN_FAILURES_PER_SOURCE: '20' })
  const statuses: number[] = []
  for (let i = 0; i < 25; i += 1) {
    const forged = from(`203.0.113.${i}, 10.0.0.1`, { ...ada, username: `nobody-${i}` })
    statuses.push((await service.request('POST', '/auth', forged)).status)
  }
  t.deepEqual(statuses, [...Array(20).fill(400), ...Array(5).fill(429)])
})

test.serial('Abuse: limits of 0 are off', async (t) => {
  const service = await serve(t, {
    LOGIN_FAILURES_PER_ACCOUNT: '0',
    LOGIN_FAILURES_PER_SOURCE: '0',
    LOGIN_FAILURES_IN_ALL: '0',
  })
  for (let i = 0; i < 150; i += 1) {
    const wrong = json({ ...ada, password: `wrong ${i}` })
    t.is((await service.request('POST', '/auth', wrong)).status, 401)
  }
})

test.serial('Abuse: an unknown user takes as long as a known one', async (t) => {
  const service = await serve(t, {
    BCRYPT_COST: '9',
    LOGIN_FAILURES_PER_ACCOUNT: '0',
    LOGIN_FAILURES_PER_SOURCE: '0',
  })
  const took: Record<string, number[]> = { ada: [], nobody: [] }
  for (let i = 0; i < 15; i += 1) {
    for (const username of ['ada', 'nobody']) {
      const begun = performance.now()
      await service.request('POST', '/auth', json({ username, password: 'wrong' }))
      took[username]?.push(performance.now() - begun)
    }
  }
  const [known = 0, unknown = 0] = Object.values(took).map((ms) => ms.toSorted((a, b) => a - b)[7])
  t.true(unknown / known > 0.6 && unknown / known < 1.6, `${known} and ${unknown} ms`)
})

test.serial('Abuse: a token is verified while a flood of log-ins is refused', async (t) => {
  const service = await serve(t)
  const { token } = (await service.request('POST', '/auth', json(ada))).json
  const flood = Array.from({ length: 300 }, (_, i) =>
    service.request('POST', '/auth', from('203.0.113.9', { ...ada, password: `wrong ${i}` })),
  )
  for (let i = 0; i < 20; i += 1) {
    t.is((await service.request('GET', '/auth', bearer(token))).status, 200)
  }
  await Promise.all(flood)
})

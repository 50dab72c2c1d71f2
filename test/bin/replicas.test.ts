import { setTimeout as delay } from 'node:timers/promises'
import anyTest, { type ExecutionContext } from 'ava'
import { createKeyRing } from '../../src/keys.ts'
import { createTokenText } from '../../src/token-text.ts'
import { neo4j } from '../support/engines.ts'
import { type Answer, bearer, json } from '../support/http-client.ts'
import { type Environment, graphs, type Service, startService } from '../support/service-process.ts'
import { createProxy } from '../support/tcp-proxy.ts'
import { newTenant, newUsername, PASSWORD } from '../support/world.ts'

const test = neo4j ? anyTest.serial : anyTest.serial.skip
const BOUND_MS = 1_000
const env: Environment = { ...graphs[1]?.env }

const ends: (() => Promise<void>)[] = []
const replicas: Service[] = []

if (neo4j) {
  anyTest.before('two replicas start', async () => {
    const owner = { teardown: (end: () => Promise<void>) => ends.push(end) }
    replicas.push(...(await Promise.all([startReady(owner), startReady(owner)])))
  })
  anyTest.after.always('they end', async () => {
    for (const end of ends.reverse()) await end()
  })
}

/** A replica that is ready. */
async function startReady(owner: Parameters<typeof startService>[0], others: Environment = {}) {
  // Log-ins that race a change of their password are many wrong ones: they are not what is slowed here.
  const unslowed = { LOGIN_FAILURES_PER_ACCOUNT: '0', LOGIN_FAILURES_PER_SOURCE: '0' }
  const service = await startService(owner, { ...env, ...unslowed, ...others })
  await service.ready()
  return service
}

function pair(): [Service, Service] {
  return [replicas[0] as Service, replicas[1] as Service]
}

async function newUser({ request }: Service) {
  const user = { username: newUsername(), password: PASSWORD }
  await request('POST', '/auth/user', json(user))
  return user
}

async function logIn({ request }: Service, user: object): Promise<string> {
  for (;;) {
    const { json: body, status } = await request('POST', '/auth', json(user))
    if (status === 200) return String(body.token)
    if (status !== 503) throw new Error(`no token, but ${status}`)
  }
}

function verify({ request }: Service, token: string): Promise<Answer> {
  return request('GET', '/auth', bearer(token))
}

/** Asks until the token is refused as blacklisted; gives how long that took, in ms. */
async function refused(t: ExecutionContext, service: Service, token: string): Promise<number> {
  const begun = performance.now()
  for (;;) {
    const { status, json: body } = await verify(service, token)
    const ms = performance.now() - begun
    if (status === 401) {
      t.is(body.message, 'Token is blacklisted')
      return ms
    }
    t.is(status, 200)
    if (ms > BOUND_MS) throw new Error(`still valid after ${ms} ms`)
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** A few at once. */
async function each<T>(list: Iterable<T>, work: (item: T) => Promise<void>, most = 16) {
  const left = Iterator.from(list)
  async function workOff(): Promise<void> {
    for (const item of left) await work(item)
  }
  await Promise.all(range(most).map(workOff))
}

test('what is ended on one is refused by the other, well within the bound', async (t) => {
  const [one, other] = pair()
  const user = await newUser(one)
  const took: number[] = []
  for (const i of range(20)) {
    const [from, to] = i % 2 === 0 ? [one, other] : [other, one]
    const token = await logIn(from, user)
    t.is((await verify(to, token)).status, 200)
    t.is((await verify(to, token)).status, 200)
    t.is((await from.request('DELETE', '/auth', bearer(token))).status, 200)
    t.is((await verify(from, token)).status, 401)
    took.push(await refused(t, to, token))
  }
  const sorted = took.toSorted((a, b) => a - b).map(Math.round)
  t.log(`refused after ${sorted[10]} ms in the middle, ${sorted.at(-1)} ms at the most`)
  t.true((sorted.at(-1) as number) < BOUND_MS)
  t.true((sorted[10] as number) < BOUND_MS / 2)
})

test('a changed password, a successor and a token of its own are heard of as well', async (t) => {
  const [one, other] = pair()
  const user = await newUser(one)
  const [kept, single, changed] = await Promise.all(range(3).map(() => logIn(one, user)))
  const tokens = [kept, single, changed] as string[]
  for (const token of tokens) t.is((await verify(other, token)).status, 200)
  await one.request('DELETE', '/auth?scope=token', bearer(single))
  await refused(t, other, String(single))
  t.is((await verify(other, String(kept))).status, 200)
  const next = (await other.request('PATCH', '/auth', bearer(kept))).json.token
  t.is((await verify(one, String(next))).status, 200)
  const change = { ...user, password: 'another horse' }
  t.is((await other.request('PATCH', '/auth/user', json(change))).status, 201)
  for (const token of [kept, changed, next]) await refused(t, one, String(token))
})

test('what is suspended, deleted or ended by name on one is refused by the other', async (t) => {
  const [one, other] = pair()
  const tenant = newTenant()
  t.is((await one.request('POST', '/auth/tenant', json({ tenant }))).status, 201)
  const took: number[] = []
  async function ends(method: string, path: string, more: object = {}): Promise<void> {
    const user = { tenant, username: newUsername(), password: PASSWORD }
    t.is((await other.request('POST', '/auth/user', json(user))).status, 201)
    const token = await logIn(one, user)
    const next = String((await one.request('PATCH', '/auth', bearer(token))).json.token)
    for (const text of [token, next]) t.is((await verify(other, text)).status, 200)
    const { username } = user
    t.is((await one.request(method, path, json({ tenant, username, ...more }))).status, 200)
    for (const text of [token, next]) {
      t.is((await verify(one, text)).status, 401, 'at once by the one that answered')
      took.push(await refused(t, other, text))
    }
  }
  await ends('POST', '/auth/user/suspend')
  await ends('DELETE', '/auth/user/sessions')
  await ends('DELETE', '/auth/user')
  await ends('POST', '/auth/tenant/suspend')
  t.is((await other.request('POST', '/auth/tenant/reinstate', json({ tenant }))).status, 200)

  const user = { tenant, username: newUsername(), password: PASSWORD }
  await one.request('POST', '/auth/user', json(user))
  const tokens = [await logIn(one, user), await logIn(other, user), await logIn(one, user)]
  const sessions: string[] = []
  for (const token of tokens) sessions.push(String((await verify(other, token)).json.session))
  const named = { tenant, username: user.username }
  const path = '/auth/user/sessions'
  await one.request('DELETE', path, json({ ...named, session: sessions[0] }))
  took.push(await refused(t, other, String(tokens[0])))
  await one.request('DELETE', path, json({ ...named, except: sessions[2] }))
  took.push(await refused(t, other, String(tokens[1])))
  t.is((await verify(other, String(tokens[2]))).status, 200)
  t.log(`refused after ${Math.round(Math.max(...took))} ms at the most`)
  t.true(Math.max(...took) < BOUND_MS)
})

test('at the limit of sessions over both no more are live than it says', async (t) => {
  const [one, other] = pair()
  const user = await newUser(one)
  const tokens: string[] = []
  await each(range(120), async (i) => {
    tokens.push(await logIn(i % 2 ? one : other, user))
  })
  await delay(BOUND_MS)
  for (const service of [one, other]) {
    const answers = await Promise.all(tokens.map((token) => verify(service, token)))
    t.is(answers.filter(({ status }) => status === 200).length, 50)
    t.is(answers.filter(({ status }) => status === 401).length, 70)
  }
})

test('no log-in that races a suspension of its tenant on the other is left valid', async (t) => {
  const [one, other] = pair()
  const tenant = newTenant()
  await one.request('POST', '/auth/tenant', json({ tenant }))
  for (const round of range(4)) {
    const user = { tenant, username: newUsername(), password: PASSWORD }
    await one.request('POST', '/auth/user', json(user))
    const granted: string[] = []
    let isOver = false
    async function keepLoggingIn(): Promise<void> {
      while (!isOver) {
        const { status, json: body } = await one.request('POST', '/auth', json(user))
        if (status === 200) granted.push(String(body.token))
      }
    }
    const racing = range(8).map(keepLoggingIn)
    while (granted.length === 0) await delay(5)
    await delay(10 * round)
    t.is((await other.request('POST', '/auth/tenant/suspend', json({ tenant }))).status, 200)
    await delay(20)
    isOver = true
    await Promise.all(racing)
    t.is((await other.request('POST', '/auth/tenant/reinstate', json({ tenant }))).status, 200)
    for (const service of [one, other]) {
      for (const token of granted) await refused(t, service, token)
    }
    t.is((await verify(one, await logIn(one, user))).status, 200)
  }
})

test('races: 50 PATCH of one token over both replicas give one successor', async (t) => {
  const [one, other] = pair()
  const token = await logIn(one, await newUser(one))
  const answers = await Promise.all(
    range(50).map((i) => (i % 2 ? one : other).request('PATCH', '/auth', bearer(token))),
  )
  t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
  t.is(new Set(answers.map(({ text }) => text)).size, 1)
  const successor = String(answers[0]?.json.token)
  for (const each of [one, other]) t.is((await verify(each, successor)).status, 200)
})

test('races: of 100 registrations of one name over both replicas one succeeds', async (t) => {
  const services = pair()
  const username = newUsername()
  const racers = range(100).map((i) => ({ username, password: `${PASSWORD} ${i}` }))
  const statuses = new Map<object, number>()
  await Promise.all(
    racers.map(async (racer, i) => {
      const { status } = await (services[i % 2] as Service).request(
        'POST',
        '/auth/user',
        json(racer),
      )
      statuses.set(racer, status)
    }),
  )
  let unsure = 0
  for (const [i, racer] of racers.entries()) {
    if (statuses.get(racer) !== 503) continue
    unsure += 1
    const again = await (services[i % 2] as Service).request('POST', '/auth/user', json(racer))
    statuses.set(racer, again.status)
  }
  const winners = racers.filter((racer) => statuses.get(racer) === 201)
  for (const status of statuses.values()) t.true(status === 201 || status === 409, `${status}`)
  if (unsure > 0) t.log(`${unsure} were told 503 at first`)
  else t.is(winners.length, 1)
  t.true(winners.length <= 1)
  const able: object[] = []
  await each(racers, async (racer) => {
    for (;;) {
      const { status } = await services[0].request('POST', '/auth', json(racer))
      if (status === 200) able.push(racer)
      if (status !== 503) return
    }
  })
  t.is(able.length, 1)
  if (winners[0]) t.is(able[0], winners[0])
})

test('races: no log-in against a change of the password on the other replica is left valid', async (t) => {
  const [one, other] = pair()
  for (const round of range(6)) {
    const user = await newUser(one)
    const changed = { ...user, password: 'another horse' }
    const granted: string[] = []
    let isOver = false
    async function keepLoggingIn(): Promise<void> {
      while (!isOver) {
        const { status, json: body } = await one.request('POST', '/auth', json(user))
        if (status === 200) granted.push(String(body.token))
      }
    }
    const racing = range(8).map(keepLoggingIn)
    while (granted.length === 0) await delay(5)
    await delay(10 * round)
    t.is((await other.request('PATCH', '/auth/user', json(changed))).status, 201)
    await delay(20)
    isOver = true
    await Promise.all(racing)
    for (const service of [one, other]) {
      for (const token of granted) await refused(t, service, token)
    }
    t.is((await verify(one, await logIn(one, changed))).status, 200)
  }
})

test('a replica that was stopped does not answer from old memory when it goes on', async (t) => {
  const [one, other] = pair()
  const user = await newUser(one)
  const tokens = await Promise.all(range(4).map(() => logIn(one, user)))
  const [kept, ...ended] = tokens as [string, ...string[]]
  for (const token of tokens) {
    t.is((await verify(other, token)).status, 200)
    t.is((await verify(other, token)).status, 200)
  }
  other.signal('SIGSTOP')
  try {
    await delay(BOUND_MS + 200)
    for (const token of ended) {
      t.is((await one.request('DELETE', '/auth', bearer(token))).status, 200)
    }
    // These wait in the socket: they are the first that it sees.
    const waiting = [...ended, kept].map((token) => verify(other, token))
    await delay(300)
    other.signal('SIGCONT')
    const answers = await Promise.all(waiting)
    t.deepEqual(
      answers.map(({ status }) => status),
      [401, 401, 401, 200],
    )
    for (const { json: body } of answers.slice(0, 3)) t.is(body.message, 'Token is blacklisted')
  } finally {
    other.signal('SIGCONT')
  }
})

test('a replica cut from the graph trusts its memory within the bound and recovers by itself', async (t) => {
  const [one] = pair()
  const proxy = await createProxy(neo4j?.uri ?? '')
  t.teardown(() => proxy.close())
  const cut = await startReady(t, { NEO4J_URI: `bolt://127.0.0.1:${proxy.port}` })
  const user = await newUser(one)
  const [kept, ended, never] = (await Promise.all(range(3).map(() => logIn(one, user)))) as [
    string,
    string,
    string,
  ]
  for (const token of [kept, ended]) t.is((await verify(cut, token)).status, 200)
  // It is ready before it has read the feed for the first time.
  while ((await cut.request('GET', '/readyz?verbose')).json.mode !== 'memory') await delay(20)
  const names = { issuer: 'sessiongraph', audience: 'sessiongraph' }
  const texts = createTokenText({ ring: createKeyRing(String(env.JWT_SECRET)), ...names })
  const about = texts.read(kept)
  const expired = texts.write({
    ...about,
    issuedAt: about.issuedAt - 9_000,
    expiresAt: about.issuedAt - 5_000,
  })

  /** Asks until the bound is over and a while on; what is valid then was told from old memory. */
  const begun = performance.now()
  const seen: { at: number; status: number; token: string }[] = []
  let isOver = false
  async function keepAsking(token: string): Promise<void> {
    while (!isOver) {
      const at = performance.now() - begun
      const { status } = await verify(cut, token)
      seen.push({ at, status, token })
      await delay(20)
    }
  }
  proxy.silence('both')
  const asking = [kept, ended].map(keepAsking)
  await delay(BOUND_MS + 100)
  t.is((await one.request('DELETE', '/auth', bearer(ended))).status, 200)
  const known = await verify(cut, kept)
  t.is(known.status, 503)
  t.regex(known.headers['retry-after'] ?? '', /^[1-9]\d*$/)
  t.is((await verify(cut, never)).status, 503)
  const own = [
    ['junk', 400, 'Token is invalid'],
    [`${kept.slice(0, -4)}AAAA`, 400, 'Token is invalid'],
    [expired, 401, 'Token is expired'],
  ] as const
  for (const [text, status, message] of own) {
    const answer = await verify(cut, text)
    t.is(answer.status, status)
    t.is(answer.json.message, message)
  }
  t.is((await cut.request('GET', '/auth')).json.message, 'Token must be provided')
  proxy.cut()
  await delay(500)
  t.is((await verify(cut, kept)).status, 503)
  await proxy.heal()
  const healedAt = performance.now() - begun
  const back = () =>
    seen.find(({ at, status, token }) => {
      return token === kept && at > BOUND_MS && status === 200
    })
  while (!back()) {
    if (performance.now() - begun > healedAt + 6_000) break
    await delay(20)
  }
  await delay(500)
  isOver = true
  await Promise.all(asking)
  const recovered = (back()?.at ?? Number.POSITIVE_INFINITY) - healedAt
  t.log(`valid again ${Math.round(recovered)} ms after it was healed`)
  t.true(recovered < 5_000)
  t.true(
    seen.some(({ at, status }) => at < BOUND_MS / 2 && status === 200),
    'memory at first',
  )
  const late = seen.filter(({ at, status }) => at > BOUND_MS && at < healedAt && status !== 503)
  t.deepEqual(late, [], 'only 503 past the bound')
  const wrong = seen.filter(({ at, status, token }) => {
    return token === ended && at > BOUND_MS && status === 200
  })
  t.deepEqual(wrong, [], 'never valid again')
  t.is(seen.findLast(({ token }) => token === ended)?.status, 401)
  const odd = seen.filter(({ status }) => ![200, 401, 503].includes(status))
  t.deepEqual(odd, [])
})

test('races: 500 pairs of PATCH against DELETE at the same moment leave nothing valid', async (t) => {
  const [one, other] = pair()
  const user = await newUser(one)
  const all: string[] = []
  const codes = new Map<string, number>()
  const count = (code: string) => codes.set(code, (codes.get(code) ?? 0) + 1)
  await each(range(500), async (i) => {
    const [from, to] = i % 2 === 0 ? [one, other] : [other, one]
    const token = await logIn(from, user)
    all.push(token)
    async function refresh(): Promise<void> {
      const { status, json: body } = await from.request('PATCH', '/auth', bearer(token))
      count(`PATCH ${status}`)
      if (status === 200) all.push(String(body.token))
      else if (status !== 503) t.is(body.message, 'Token is blacklisted')
    }
    async function logOut(): Promise<void> {
      for (;;) {
        const { status } = await to.request('DELETE', '/auth', bearer(token))
        count(`DELETE ${status}`)
        if (status === 503) continue
        t.is(status, 200)
        return
      }
    }
    await Promise.all(i % 4 < 2 ? [refresh(), logOut()] : [logOut(), refresh()])
  })
  t.log([...codes].map(([code, times]) => `${code}: ${times}`).join(', '))
  await delay(BOUND_MS)
  for (const service of [one, other]) {
    const answers = new Map<string, number>()
    await each(all, async (token) => {
      const { status } = await verify(service, token)
      answers.set(String(status), (answers.get(String(status)) ?? 0) + 1)
    })
    t.deepEqual([...answers.keys()], ['401'])
  }
})

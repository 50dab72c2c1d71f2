import { setTimeout as delay } from 'node:timers/promises'
import anyTest, { type ExecutionContext } from 'ava'
import { openEmbedded } from '../../src/graph/embedded.ts'
import { prepareSchema } from '../../src/graph/schema.ts'
import { newId } from '../../src/id.ts'
import { neo4j } from '../support/engines.ts'
import { type Answer, bearer, json, type Sending } from '../support/http-client.ts'
import {
  type Environment,
  runCommand,
  type Service,
  startService,
  temporaryFolder,
} from '../support/service-process.ts'
import { createProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { newUsername } from '../support/world.ts'

const test = neo4j ? anyTest.serial : anyTest.serial.skip
const atOnce = neo4j ? anyTest : anyTest.skip
const LIMIT_MS = 3_000

interface Timed {
  answer: Answer
  ms: number
}

/** A service on the Neo4j of the tests, behind a proxy; both end with the test. */
async function serve(
  t: ExecutionContext,
  env: Environment = {},
  absent = false,
): Promise<{ service: Service; proxy: TcpProxy }> {
  const proxy = await createProxy(neo4j?.uri ?? '')
  if (absent) await proxy.refuse()
  t.teardown(() => proxy.close())
  const service = await startService(t, {
    NEO4J_URI: `bolt://127.0.0.1:${proxy.port}`,
    NEO4J_USERNAME: neo4j?.password ? neo4j.username : '',
    NEO4J_PASSWORD: neo4j?.password,
    JWT_SECRET: 'shared by every replica that is tested',
    ...env,
  })
  if (!absent) await service.ready()
  return { service, proxy }
}

async function timed(service: Service, method: string, path: string, sending?: Sending) {
  const begun = performance.now()
  const answer = await service.request(method, path, sending)
  return { answer, ms: performance.now() - begun }
}

function isUnavailable(t: ExecutionContext, { answer, ms }: Timed): void {
  t.is(answer.status, 503)
  t.is(answer.json.message, 'Service unavailable')
  t.regex(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/)
  t.true(ms < LIMIT_MS, `${Math.round(ms)} ms`)
}

/** Waits until /readyz is 200; gives how long that took, in ms. */
async function readyAgain(service: Service): Promise<number> {
  const begun = performance.now()
  while ((await service.request('GET', '/readyz')).status !== 200) await delay(20)
  return performance.now() - begun
}

async function newUser(service: Service) {
  const user = { username: newUsername(), password: 'correct horse battery' }
  const { status } = await service.request('POST', '/auth/user', json(user))
  return { user, status }
}

async function logIn(service: Service, user: object): Promise<string> {
  return (await service.request('POST', '/auth', json(user))).json.token as string
}

/** One request to each door, all at once. */
function everyDoor(service: Service, user: object, token: string): Promise<Timed[]> {
  const newcomer = { username: newUsername(), password: 'correct horse battery' }
  return Promise.all([
    timed(service, 'POST', '/auth/user', json(newcomer)),
    timed(service, 'PATCH', '/auth/user', json(user)),
    timed(service, 'POST', '/auth', json(user)),
    timed(service, 'GET', '/auth', bearer(token)),
    timed(service, 'PATCH', '/auth', bearer(token)),
    timed(service, 'DELETE', '/auth', bearer(token)),
    timed(service, 'GET', '/readyz'),
  ])
}

test('absent at the start: it starts, says why it is not ready, and serves once it is there', async (t) => {
  const { service, proxy } = await serve(t, {}, true)
  const { json: notReady, status } = await service.request('GET', '/readyz')
  t.is(status, 503)
  t.regex(String(notReady.reasons), /nothing listens at 127\.0\.0\.1:\d+: start Neo4j/)
  t.is((await service.request('GET', '/healthz')).status, 200)
  isUnavailable(t, await timed(service, 'POST', '/auth', json({ username: 'a', password: 'b' })))
  await proxy.heal()
  t.true((await readyAgain(service)) < 5_000)
  t.is((await newUser(service)).status, 201)
})

for (const how of ['refuse', 'cut', 'silence'] as const) {
  atOnce(`lost under load (${how}): only 503 meanwhile, no burst of errors after`, async (t) => {
    const { service, proxy } = await serve(t)
    const { user } = await newUser(service)
    const token = await logIn(service, user)
    const begun = performance.now()
    const seen: { at: number; status: number; ms: number }[] = []
    const running: Promise<unknown>[] = []
    async function ask(i: number): Promise<void> {
      const at = performance.now() - begun
      const [method, path, sending] =
        i % 10 === 0
          ? (['POST', '/auth/user', json({ ...user, username: newUsername() })] as const)
          : ([i % 10 === 5 ? 'PATCH' : 'GET', '/auth', bearer(token)] as const)
      const { answer, ms } = await timed(service, method, path, sending)
      seen.push({ at, status: answer.status, ms })
    }
    let healedAt = Number.POSITIVE_INFINITY
    setTimeout(() => (how === 'silence' ? proxy.silence('both') : proxy[how]()), 1_000)
    setTimeout(async () => {
      await proxy.heal()
      healedAt = performance.now() - begun
    }, 5_000)
    for (let i = 0; performance.now() - begun < 9_000; i += 1) {
      running.push(ask(i))
      await delay(25)
    }
    await Promise.all(running)
    const late = seen.filter(({ ms }) => ms > LIMIT_MS)
    t.deepEqual(late, [], 'every request is answered in time')
    const odd = seen.filter(({ status }) => ![200, 201, 503].includes(status))
    t.deepEqual(odd, [], 'nothing but success and 503')
    t.true(seen.some(({ status }) => status === 503))
    const lastBad = Math.max(...seen.filter(({ status }) => status === 503).map(({ at }) => at))
    t.log(
      `${how}: ${seen.length} requests; last 503 sent ${Math.round(lastBad - healedAt)} ms after`,
    )
    t.true(lastBad < healedAt + 3_000, 'it recovers')
    const firstGood = Math.min(
      ...seen.filter(({ at, status }) => at > healedAt && status < 300).map(({ at }) => at),
    )
    const burst = seen.filter(({ at, status }) => at > firstGood && status === 503)
    t.deepEqual(burst, [], 'no error after the first success')
  })
}

test('silent: each door gets 503 in time, and what needs no database its own answer', async (t) => {
  const { service, proxy } = await serve(t, { TOKEN_TTL_SECONDS: '6' })
  const { user } = await newUser(service)
  const expired = await logIn(service, user)
  await delay(6_100)
  const token = await logIn(service, user)
  proxy.silence('both')
  // Until then a verify may still be answered from memory.
  await delay(1_100)
  for (const one of await everyDoor(service, user, token)) isUnavailable(t, one)
  const forged = `${token.slice(0, -4)}AAAA`
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    const cases = [
      ['junk', 400, 'Token is invalid'],
      [forged, 400, 'Token is invalid'],
      [expired, 401, 'Token is expired'],
    ] as const
    for (const [text, status, message] of cases) {
      const { answer, ms } = await timed(service, method, '/auth', bearer(text))
      t.is(answer.status, status, message)
      t.is(answer.json.message, message)
      t.true(ms < 500)
    }
    const none = await service.request(method, '/auth')
    t.is(none.json.message, 'Token must be provided')
  }
  const bad = await service.request(
    'POST',
    '/auth/user',
    json({ ...user, username: 'no good name' }),
  )
  t.is(bad.json.message, 'Username validation failed')
  const ready = await timed(service, 'GET', '/readyz')
  isUnavailable(t, ready)
  t.regex(String(ready.answer.json.reasons), /does not answer in time: see whether it hangs/)
  await proxy.heal()
  t.true((await readyAgain(service)) < 5_000)
})

test('2 s late: each door answers within 3 s, with success or 503', async (t) => {
  const { service, proxy } = await serve(t)
  const { user } = await newUser(service)
  const token = await logIn(service, user)
  proxy.delay(2_000)
  for (const { answer, ms } of await everyDoor(service, user, token)) {
    t.true([200, 201, 503].includes(answer.status), String(answer.status))
    t.true(ms < LIMIT_MS, `${Math.round(ms)} ms for ${answer.status}`)
  }
  await proxy.heal()
  t.true((await readyAgain(service)) < 5_000)
})

test('a lost reply is no wrong answer', async (t) => {
  const { service, proxy } = await serve(t)
  const user = { username: newUsername(), password: 'correct horse battery' }
  void proxy.swallowReply('MERGE (user:User')
  t.is((await service.request('POST', '/auth/user', json(user))).status, 201)
  void proxy.swallowReply('CREATE (user)-[:OPENED]')
  const token = await logIn(service, user)
  void proxy.swallowReply('RETURN old, session')
  const refreshed = await service.request('PATCH', '/auth', bearer(token))
  t.is(refreshed.status, 200)
  const again = await service.request('PATCH', '/auth', bearer(token))
  t.is(again.json.token, refreshed.json.token)
  void proxy.swallowReply('RETURN session AS target')
  const next = refreshed.json.token
  t.is((await service.request('DELETE', '/auth', bearer(next))).status, 200)
  t.is((await service.request('GET', '/auth', bearer(next))).json.message, 'Token is blacklisted')
  void proxy.swallowReply('(user)<-[:BLACKLISTS]-(entry:')
  const change = { ...user, currentPassword: user.password, password: 'another horse battery' }
  t.is((await service.request('PATCH', '/auth/user', json(change))).status, 201)
  t.is((await service.request('POST', '/auth', json(user))).status, 401)
})

anyTest.serial(
  'a schema newer than the program is refused at the start, in one line',
  async (t) => {
    const DATA_DIR = await temporaryFolder(t)
    const graph = await openEmbedded(DATA_DIR)
    await prepareSchema(graph, newId)
    await graph.write(`MATCH (schema:Schema {name: 'sessiongraph'}) SET schema.version = 99`)
    await graph.close()
    const { code, stdout, stderr } = await runCommand(['serve'], { DATA_DIR, PORT: '0' })
    t.is(code, 1)
    t.false(stdout.includes('listening'))
    t.is(
      stderr,
      'sessiongraph: the graph has schema version 99, this program knows 1: run a newer one\n',
    )
  },
)

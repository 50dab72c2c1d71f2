import type { RequestListener } from 'node:http'
import { Agent } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { createMetrics } from '../../src/http/metrics.ts'
import { createRequestIds } from '../../src/http/request-id.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { shortAnswer, takeShortWay } from '../../src/http/short-way.ts'
import { newId } from '../../src/id.ts'
import { createFirstSight, createRecall } from '../../src/service/service.ts'
import { type Answer, bearer, json, type Sending, send } from '../support/http-client.ts'
import { serveTestService } from '../support/http-service.ts'
import { type Opened, registerOnEngines } from '../support/suites.ts'
import { createTestService, newUsername, PASSWORD } from '../support/world.ts'

/**
 * The same graph behind two servers: `framework` has no short way, and `short` goes on to the very same
 * framework where the short way does not answer, which is counted.
 */
async function serve(t: ExecutionContext, { engine }: Opened, tokenSeconds = 900) {
  const framework = await serveTestService(engine, { rules: { tokenSeconds } })
  const { auth, tools, remembering, close } = createTestService(engine, {
    rules: { tokenSeconds },
    fromMemory: true,
  })
  const logged: Record<string, unknown>[] = []
  const ignore = () => undefined
  const [inner] = framework.server.listeners('request') as [RequestListener]
  let passed = 0
  const server = createHttpServer(
    takeShortWay({
      recall: createRecall(tools, shortAnswer),
      firstSight: createFirstSight(tools, shortAnswer),
      log: {
        isLevelEnabled: () => true,
        info: (fields: object) => logged.push({ ...fields }),
        warn: ignore,
        error: ignore,
      },
      metrics: createMetrics({}),
      requestIds: createRequestIds(newId),
      listener(request, response) {
        passed += 1
        inner(request, response)
      },
    }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    await close()
    await framework.close()
    await new Promise((resolve) => server.close(resolve))
  })
  while (!remembering?.follower.isTrusted()) await delay(5)
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`

  return {
    auth,
    port,
    logged,
    framework: (sending: Sending = {}, method = 'GET', path = '/auth') =>
      send(framework.url, { method, path, ...sending }),
    /** Asks where there is a short way, and tells whether it was taken. */
    async short(sending: Sending = {}, method = 'GET', path = '/auth') {
      const before = passed
      const answer = await send(url, { method, path, ...sending })
      return { answer, isShort: passed === before }
    },
    passed: () => passed,
    /** A new token. */
    async grant(): Promise<string> {
      const credentials = { username: newUsername(), password: PASSWORD }
      await auth.register(credentials)
      return (await auth.login(credentials)).text
    },
    /** A new token of another process, which this one has not seen. */
    async grantElsewhere(): Promise<string> {
      const credentials = { username: newUsername(), password: PASSWORD }
      await auth.register(credentials)
      return String((await send(framework.url, login(credentials))).json.token)
    },
  }
}

function login(credentials: object) {
  return { method: 'POST', path: '/auth', ...json(credentials) }
}

/** An answer but for what differs from one to the next; the headers in their order. */
function shown({ status, rawHeaders, text }: Answer) {
  const headers: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name !== 'Date' && name !== 'X-Request-Id') headers.push(`${name}: ${rawHeaders[i + 1]}`)
  }
  return { status, headers: headers.toSorted(), text }
}

registerOnEngines((test, opened) => {
  test('the short way answers as the framework does', async (t) => {
    const { auth, grant, short, framework } = await serve(t, opened())
    const token = await grant()
    await auth.verify(token)
    const agent = new Agent({ keepAlive: true })
    t.teardown(() => agent.destroy())
    const ways: Sending[] = [
      bearer(token),
      bearer(token, { agent }),
      bearer(token, { headers: { Connection: 'close' } }),
      bearer(token, { headers: { 'X-Request-Id': 'a-fit-one' } }),
      bearer(token, { headers: { 'X-Request-Id': 'unfit "one"' } }),
      bearer(token, { headers: { 'X-Request-Id': ['one', 'another'] } }),
      bearer(token, { headers: { Accept: 'text/html', 'Accept-Encoding': 'gzip, br' } }),
      bearer(token, { headers: { 'If-None-Match': '*', Range: 'bytes=0-1' } }),
      bearer(token, { headers: { Origin: 'https://example.org', Cookie: 'a=b' } }),
      { headers: { AUTHORIZATION: `Bearer ${token}` } },
    ]
    for (const way of ways) {
      const { answer, isShort } = await short(way)
      const other = await framework(way)
      t.true(isShort, JSON.stringify(way.headers))
      t.is(answer.status, 200)
      t.deepEqual(shown(answer), shown(other), JSON.stringify(way.headers))
      const [id, otherId] = [answer.headers['x-request-id'], other.headers['x-request-id']]
      if (way.headers?.['X-Request-Id'] === 'a-fit-one') t.is(id, 'a-fit-one')
      t.is(id === 'a-fit-one', otherId === 'a-fit-one')
      t.regex(String(id), /^[\w.:/+=-]{1,128}$/)
    }
  })

  test('what the short way answers is logged without the token', async (t) => {
    const { auth, grant, short, logged } = await serve(t, opened())
    const token = await grant()
    const { id, user } = await auth.verify(token)
    t.true((await short(bearer(token))).isShort)
    t.like(logged[0], { method: 'GET', route: '/auth', status: 200, user, jti: id })
    t.is(logged.length, 1)
    t.false(JSON.stringify(logged).includes(token))
  })

  test('a request of HTTP/1.0 is answered alike', async (t) => {
    const { auth, grant, port, passed, framework } = await serve(t, opened())
    const token = await grant()
    await auth.verify(token)
    const socket = connect(port, '127.0.0.1')
    socket.end(`GET /auth HTTP/1.0\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    const answer = await text(socket)
    t.is(passed(), 0)
    t.regex(answer, /^HTTP\/1\.1 200 OK\r\n/)
    t.true(answer.endsWith(`\r\n\r\n${(await framework(bearer(token))).text}`))
  })

  test('what is written another way is left to the framework', async (t) => {
    const { auth, grant, short, framework } = await serve(t, opened())
    const token = await grant()
    await auth.verify(token)
    const Authorization = `Bearer ${token}`
    const body = { body: '{}' }
    const cases: [string, Sending, string?, string?][] = [
      ['two headers', { headers: { Authorization: [Authorization, Authorization] } }],
      ['two that differ', { headers: { Authorization: [Authorization, 'Bearer other'] } }],
      ['bearer in lower case', { headers: { Authorization: `bearer ${token}` } }],
      ['BEARER', { headers: { Authorization: `BEARER ${token}` } }],
      ['two spaces', { headers: { Authorization: `Bearer  ${token}` } }],
      ['another scheme', { headers: { Authorization: `Basic ${token}` } }],
      ['no header', {}],
      ['an empty one', { headers: { Authorization: 'Bearer ' } }],
      ['a query string', bearer(token), 'GET', '/auth?a=b'],
      ['an empty query string', bearer(token), 'GET', '/auth?'],
      ['the token in the query string', {}, 'GET', `/auth?token=${token}`],
      ['a slash more', bearer(token), 'GET', '/auth/'],
      ['another spelling', bearer(token), 'GET', '/AUTH'],
      ['another path', bearer(token), 'GET', '/auth/user'],
      ['a body', bearer(token, { ...body, headers: { 'Content-Type': 'application/json' } })],
      ['a body of no type', bearer(token, body)],
      ['an empty body', bearer(token, { headers: { 'Content-Length': '0' } })],
      ['a body in chunks', bearer(token, { headers: { 'Transfer-Encoding': 'chunked' } })],
      ['HEAD', bearer(token), 'HEAD'],
      ['OPTIONS', bearer(token), 'OPTIONS'],
      ['POST', bearer(token), 'POST'],
    ]
    for (const [name, sending, method, path] of cases) {
      const { answer, isShort } = await short(sending, method, path)
      t.false(isShort, name)
      t.deepEqual(shown(answer), shown(await framework(sending, method, path)), name)
    }
    t.true((await short(bearer(token))).isShort, 'and the plain one is answered')
  })

  test('a token never seen is asked about once, and answered as the framework does', async (t) => {
    const { grantElsewhere, short, framework } = await serve(t, opened())
    const token = await grantElsewhere()
    const asked = await Promise.all(Array.from({ length: 5 }, () => short(bearer(token))))
    for (const { answer, isShort } of asked) {
      t.true(isShort)
      t.deepEqual(shown(answer), shown(await framework(bearer(token))))
    }
  })

  test('what is refused is left to the framework', async (t) => {
    const { auth, grant, grantElsewhere, short } = await serve(t, opened())
    const [ended, single, user] = await Promise.all([grant(), grant(), grant()])
    const unseen = await grantElsewhere()
    await auth.blacklist(unseen, 'session')
    const cases: [string, string, number][] = [
      ['never seen and ended', unseen, 401],
      ['junk', 'junk', 400],
      ['forged', `${ended.slice(0, -4)}AAAA`, 400],
    ]
    for (const token of [ended, single, user]) {
      await auth.verify(token)
      t.true((await short(bearer(token))).isShort)
    }
    await auth.blacklist(ended, 'session')
    await auth.blacklist(single, 'token')
    const { username } = await auth.verify(user)
    await auth.changePassword({ username, password: 'another horse' })
    cases.push(['its session ended', ended, 401], ['itself ended', single, 401])
    cases.push(['its user ended', user, 401])
    for (const [name, token, status] of cases) {
      const { answer, isShort } = await short(bearer(token))
      t.false(isShort, name)
      t.is(answer.status, status, name)
    }
  })

  test('an expired token is left to the framework', async (t) => {
    const { auth, grant, short } = await serve(t, opened(), 2)
    const token = await grant()
    await auth.verify(token)
    t.true((await short(bearer(token))).isShort)
    await delay(2_000)
    const { answer, isShort } = await short(bearer(token))
    t.false(isShort)
    t.is(answer.status, 401)
    t.is(answer.json.message, 'Token is expired')
  })

  test('what another process ended is left to the framework', async (t) => {
    const [one, other] = [await serve(t, opened()), await serve(t, opened())]
    const token = await one.grant()
    await one.auth.verify(token)
    t.true((await one.short(bearer(token))).isShort)
    await other.auth.blacklist(token, 'session')
    const end = performance.now() + 1_000
    while ((await one.short(bearer(token))).isShort) t.true(performance.now() < end)
    t.is((await one.short(bearer(token))).answer.json.message, 'Token is blacklisted')
  })
})

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type Answer, bearer, form, json, send } from '../support/http-client.ts'
import { open, readToEnd, sendRaw } from '../support/raw-socket.ts'
import { type Service, startService } from '../support/service-process.ts'

const ada = { username: 'ada', password: 'correct horse battery' }

async function serve(t: ExecutionContext, env = {}): Promise<{ service: Service; token: string }> {
  const service = await startService(t, env)
  await service.request('POST', '/auth/user', json(ada))
  const { token } = (await service.request('POST', '/auth', json(ada))).json
  return { service, token: String(token) }
}

const POST = 'POST /auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
const GET = 'GET /healthz HTTP/1.1\r\n'

test.serial(
  'HTTP: what two servers could read differently is refused, and the connection ends',
  async (t) => {
    const { service } = await serve(t)
    const cases: Record<string, string> = {
      'CL and TE': `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      'TE and CL': `${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`,
      'two CL': `${POST}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`,
      'two CL that differ': `${POST}Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}`,
      'a list of CL': `${POST}Content-Length: 2, 2\r\n\r\n{}`,
      'a signed CL': `${POST}Content-Length: +2\r\n\r\n{}`,
      'a negative CL': `${POST}Content-Length: -2\r\n\r\n{}`,
      'a hexadecimal CL': `${POST}Content-Length: 0x2\r\n\r\n{}`,
      'another TE': `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
      'TE identity': `${POST}Transfer-Encoding: identity\r\n\r\n`,
      'TE gzip, chunked': `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      'two TE': `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      'TE of HTTP/1.0': 'POST /auth HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'bare LF': 'GET /healthz HTTP/1.1\nHost: x\n\n',
      'a bare LF in the headers': `${GET}Host: x\nA: b\r\n\r\n`,
      'a bare LF at the end': `${GET}Host: x\r\n\n`,
      'a bare CR': `${GET}Host: x\rA: b\r\n\r\n`,
      'a folded header': `${GET}Host: x\r\nA: b\r\n c\r\n\r\n`,
      'a folded first header': `${GET} Host: x\r\n\r\n`,
      'a space before the colon': `${GET}Host : x\r\n\r\n`,
      'a header without a name': `${GET}Host: x\r\n: y\r\n\r\n`,
      'a zero byte': `${GET}Host: x\r\nA: b\0c\r\n\r\n`,
      'no host': `${GET}\r\n`,
      'two hosts': `${GET}Host: a\r\nHost: b\r\n\r\n`,
      'a byte in the path that is none of ASCII': 'GET /auth\xff HTTP/1.1\r\nHost: x\r\n\r\n',
      'a target without a slash': 'GET auth HTTP/1.1\r\nHost: x\r\n\r\n',
      'another version': 'GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n',
      'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      TLS: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    }
    for (const [name, bytes] of Object.entries(cases)) {
      const { status, headers, body, ms, text } = await sendRaw(service.url, bytes)
      t.is(status, 400, `${name}: ${text}`)
      t.is(headers.connection, 'close', name)
      t.is(headers['content-type'], 'application/problem+json; charset=utf-8', name)
      t.is(headers['x-content-type-options'], 'nosniff', name)
      t.is(headers['cache-control'], 'no-store', name)
      t.is(JSON.parse(body).code, 'request_is_invalid', name)
      t.true(ms < 3_000, name)
      t.is(text.match(/HTTP\/1\.1 /g)?.length, 1, `${name}: one answer`)
    }
    t.is((await service.request('GET', '/healthz')).status, 200)
    const noted = service.logs().filter((line) => line.audit && line.event === 'request')
    t.is(noted.length, Object.keys(cases).length)
    t.like(noted[0], { result: 'refused', code: 'request_is_invalid', source: '127.0.0.1' })
  },
)

const ROUTES = {
  '/auth': 'POST, GET, HEAD, PATCH, DELETE, OPTIONS',
  '/auth/user': 'POST, PATCH, GET, HEAD, DELETE, OPTIONS',
  '/healthz': 'GET, HEAD, OPTIONS',
  '/readyz': 'GET, HEAD, OPTIONS',
  '/metrics': 'GET, HEAD, OPTIONS',
}

test.serial('HTTP: TRACE, CONNECT and unknown methods are 405 with Allow', async (t) => {
  const { service } = await serve(t)
  for (const [path, allow] of Object.entries(ROUTES)) {
    for (const method of ['TRACE', 'CONNECT', 'PUT', 'PROPFIND', 'BREW', 'get', 'GETX', 'PURGE']) {
      const bytes = `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Mark: told\r\n\r\n`
      const { status, headers, text } = await sendRaw(service.url, bytes)
      t.is(status, 405, `${method} ${path}: ${text}`)
      t.is(headers.allow, allow)
      t.is(headers['x-content-type-options'], 'nosniff')
      t.notRegex(text, /told/)
    }
  }
  const { status } = await sendRaw(service.url, 'CONNECT evil:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  t.is(status, 404)
})

test.serial('HTTP: OPTIONS is 204 with Allow, and lets no page of another origin in', async (t) => {
  const { service, token } = await serve(t)
  const headers = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'DELETE' }
  for (const [path, allow] of Object.entries(ROUTES)) {
    const answer = await service.request('OPTIONS', `${path}?x=1`, bearer(token, { headers }))
    t.is(answer.status, 204, path)
    t.is(answer.headers.allow, allow)
    t.is(answer.text, '')
    t.is(answer.headers['cache-control'], 'no-store')
    t.false(Object.keys(answer.headers).some((name) => name.startsWith('access-control')))
  }
  for (const path of ['*', '/', '/nowhere', '/auth/']) {
    t.is((await service.request('OPTIONS', path)).status, 404, path)
  }
  t.is((await service.request('GET', '/auth', bearer(token))).status, 200, 'and did nothing')
})

test.serial('HTTP: HEAD is GET without its body', async (t) => {
  const { service, token } = await serve(t)
  for (const path of [
    '/auth',
    `/auth?token=${token}`,
    '/healthz',
    '/readyz',
    '/readyz?verbose',
    '/metrics',
  ]) {
    const get = await service.request('GET', path, bearer(token))
    const head = await service.request('HEAD', path, bearer(token))
    t.is(get.status, 200, path)
    t.is(head.status, 200, path)
    t.is(head.text, '')
    t.is(head.headers['content-type'], get.headers['content-type'])
    const length = Number(head.headers['content-length'])
    if (/metrics|verbose/.test(path)) t.true(length > 0)
    else t.is(length, Buffer.byteLength(get.text), path)
  }
  for (const [path, sending] of [
    ['/auth', {}],
    ['/auth', bearer('junk')],
    ['/nowhere', {}],
    ['/auth?token=a&token=b', {}],
  ] as const) {
    const get = await service.request('GET', path, sending)
    const head = await service.request('HEAD', path, sending)
    t.is(head.status, get.status, path)
    t.is(head.text, '')
    t.is(head.headers['content-length'], get.headers['content-length'])
  }
  const noGet = await service.request('HEAD', '/auth/user/suspend')
  t.is(noGet.status, 405)
  t.is(noGet.text, '')
})

test.serial('HTTP: a path has one spelling', async (t) => {
  const { service, token } = await serve(t)
  const spellings = [
    '/%61uth',
    '/auth%2f',
    '/auth%2Fuser',
    '/auth%00',
    '/auth%0d%0aX:y',
    '/auth/',
    '//auth',
    '///auth',
    '/AUTH',
    '/Auth',
    '/./auth',
    '/x/../auth',
    '/auth/.',
    '/auth/..',
    '/auth;x',
    '/auth;x=/auth',
    '/auth/user/',
    '/auth//user',
    '/auth\\user',
    '/auth.json',
    '/auth/*',
    '/*',
    '/',
    '/auth#x',
    '/constructor',
    '/__proto__',
    'http:/auth',
    'http:///auth',
    'ftp://x/auth',
    'http://[::1/%61uth',
    'http://x:99999999',
  ]
  for (const target of spellings) {
    for (const method of ['GET', 'DELETE', 'OPTIONS']) {
      const bytes = `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`
      const { status, body, text } = await sendRaw(service.url, bytes)
      t.true(status === 404 || status === 400, `${method} ${target}: ${text}`)
      t.regex(JSON.parse(body).code, /^(not_found|request_is_invalid)$/, target)
    }
  }
  t.is((await service.request('GET', '/auth', bearer(token))).status, 200)
})

test.serial('HTTP: an absolute target is its path and query, whatever its host', async (t) => {
  const { service, token } = await serve(t)
  for (const host of [
    'http://x',
    'HTTP://x:80',
    'https://evil.example:99999',
    'http://[::1',
    'http://u:p@x',
  ]) {
    const ask = (target: string, headers = '') =>
      sendRaw(
        service.url,
        `GET ${target} HTTP/1.1\r\nHost: y\r\nConnection: close\r\n${headers}\r\n`,
      )
    const byHeader = await ask(`${host}/auth`, `Authorization: Bearer ${token}\r\n`)
    t.is(byHeader.status, 200, byHeader.text)
    t.is((await ask(`${host}/auth?token=${token}`)).status, 200, host)
    t.is((await ask(`${host}/auth`)).status, 400, host)
    t.is((await ask(`${host}//auth`)).status, 404, host)
    t.is((await ask(host)).status, 404, host)
  }
})

test.serial('HTTP: two credentials that differ are refused', async (t) => {
  const { service, token } = await serve(t)
  const other = String((await service.request('POST', '/auth', json(ada))).json.token)
  const twice = (a: string, b: string) => ({ headers: { Authorization: [a, b] } })
  const conflicts = [
    ['/auth', twice(`Bearer ${token}`, `Bearer ${other}`)],
    ['/auth', twice(`Bearer ${token}`, 'Basic YTpi')],
    [`/auth?token=${other}`, bearer(token)],
    [`/auth?token=${token}&token=${other}`, {}],
    ['/auth', bearer(token, json({ token: other }))],
    ['/auth', bearer(token, form({ token: other }))],
    ['/auth?username=ada', json({ username: 'eve', password: ada.password })],
    [
      '/auth',
      form([
        ['password', 'one'],
        ['password', 'two'],
        ['username', 'ada'],
      ]),
    ],
  ] as const
  for (const [path, sending] of conflicts) {
    const method = path.includes('username') || sending === conflicts[7][1] ? 'POST' : 'DELETE'
    const answer = await service.request(method, path, sending)
    t.is(answer.status, 400, path)
    t.is(answer.json.code, 'request_is_invalid', path)
  }
  for (const one of [token, other]) {
    t.is((await service.request('GET', '/auth', bearer(one))).status, 200)
  }
})

test.serial(
  'HTTP: prototype keys are names like any other, and a member given twice is refused',
  async (t) => {
    const { service, token } = await serve(t)
    const typed = (body: string) => ({ headers: { 'Content-Type': 'application/json' }, body })
    for (const body of [
      '{"__proto__":{"token":"x","username":"eve"},"constructor":{"prototype":{"admin":1}}}',
      '{"__proto__":null,"toString":1,"hasOwnProperty":2,"valueOf":{}}',
    ]) {
      t.is((await service.request('GET', '/auth', bearer(token, typed(body)))).status, 200, body)
      const login = await service.request('POST', '/auth', typed(body))
      t.is(login.json.code, 'username_validation_failed', body)
    }
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      t.is((await service.request('GET', `/auth?${name}=x&${name}=y`, bearer(token))).status, 200)
      const user = { username: name, password: ada.password }
      const { status } = await service.request('POST', '/auth', json(user))
      t.is(status, 400, 'a name that nobody has')
    }
    for (const body of [
      '{"username":"ada","username":"eve","password":"x"}',
      '{"username":"ada","\\u0075sername":"eve"}',
      '{"a":{"b":1,"b":2}}',
      '{"__proto__":1,"__proto__":2}',
      '{"a":[{"b":1,"b":1}]}',
    ]) {
      const answer = await service.request('POST', '/auth', typed(body))
      t.is(answer.json.code, 'request_is_invalid', body)
    }
  },
)

function tellsNothing(t: ExecutionContext, answer: Answer): void {
  const told = `${answer.rawHeaders.join('\n')}\n${answer.text}`
  t.notRegex(
    told,
    /\bkoa\b|\bnode(\.js)?\b|neo4j|grafeo|\bv?\d+\.\d+\.\d+\b|\.ts\b|\bat \w+|MATCH|stack|x-powered-by/i,
  )
  t.deepEqual(
    Object.keys(answer.headers).filter((name) => /^(server|via|etag|location)$/.test(name)),
    [],
  )
  t.is(answer.headers['x-content-type-options'], 'nosniff')
  t.is(answer.headers['cache-control'], 'no-store')
}

test.serial('HTTP: no answer tells what the service is made of', async (t) => {
  const { service, token } = await serve(t)
  for (const [method, path, sending] of [
    ['GET', '/auth', bearer(token)],
    ['GET', '/auth', bearer('junk')],
    ['GET', '/auth', {}],
    ['GET', `/auth?token=${token}&token=x`, {}],
    ['GET', '/auth?token=%ff', {}],
    ['POST', '/auth', json({ username: "x' RETURN 1 //", password: '`' })],
    ['POST', '/auth', json({ ...ada, password: 'wrong' })],
    ['POST', '/auth', { headers: { 'Content-Type': 'application/json' }, body: '{"a":' }],
    ['POST', '/auth', { headers: { 'Content-Type': 'text/html' }, body: 'x' }],
    ['POST', '/auth/user', json(ada)],
    ['PUT', '/auth', {}],
    ['OPTIONS', '/auth', {}],
    ['GET', '/nowhere', {}],
    ['GET', '/favicon.ico', {}],
    ['GET', '/healthz', {}],
    ['GET', '/readyz', {}],
    ['GET', '/healthz', { headers: { Expect: 'a beer' } }],
    ['GET', '/healthz', { headers: { Upgrade: 'websocket', Connection: 'upgrade' } }],
  ] as const) {
    tellsNothing(t, await service.request(method, path, sending))
  }
})

test.serial('HTTP: a connection with too many requests under way is cut off', async (t) => {
  const { service } = await serve(t, { BCRYPT_COST: '10' })
  const body = JSON.stringify({ ...ada, password: 'wrong' })
  const login = `${POST}Content-Length: ${body.length}\r\n\r\n${body}`
  const { status } = await sendRaw(service.url, login.repeat(150), 4_000)
  t.true(Number.isNaN(status), 'closed without an answer')
  t.is((await service.request('GET', '/healthz')).status, 200)
})

test.serial('HTTP: connections past MAX_CONNECTIONS are closed as they come', async (t) => {
  const { service } = await serve(t, { MAX_CONNECTIONS: '20' })
  const held = await Promise.all(Array.from({ length: 20 }, () => open(service.url)))
  await delay(100)
  const more = await Promise.all(
    Array.from({ length: 5 }, async () => readToEnd(await open(service.url), 2_000)),
  )
  for (const { text, ms } of more) {
    t.is(text, '')
    t.true(ms < 1_000)
  }
  for (const socket of held) socket.destroy()
  await delay(100)
  t.is((await service.request('GET', '/healthz')).status, 200)
  await service.said(/connections were closed as they came/)
  t.like(
    service.logs().find(({ dropped }) => dropped),
    { dropped: 5, maxConnections: 20, level: 'warn' },
  )
})

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

test.serial('HTTP: with METRICS_PORT the metrics are there and nowhere else', async (t) => {
  const port = await freePort()
  const { service, token } = await serve(t, { METRICS_PORT: String(port) })
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT']) {
    t.is((await service.request(method, '/metrics')).status, 404, method)
  }
  const watched = (method: string, path: string, sending = {}) =>
    send(`http://127.0.0.1:${port}`, { method, path, ...sending })
  const shown = await watched('GET', '/metrics')
  t.is(shown.status, 200)
  t.regex(shown.text, /^sessiongraph_build_info/m)
  t.is((await watched('HEAD', '/metrics')).status, 200)
  t.is((await watched('PUT', '/metrics')).status, 405)
  for (const path of ['/', '/auth', '/healthz', '/readyz']) {
    t.is((await watched('GET', path, bearer(token))).status, 404, path)
  }
  t.is((await watched('POST', '/auth', json(ada))).status, 404)
  service.signal('SIGTERM')
  t.is((await service.exited).code, 0)
})

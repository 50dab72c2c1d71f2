import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { bearer, form, json, type Sending, type Sent } from '../support/http-client.ts'
import { type Service, startService } from '../support/service-process.ts'

const ada = { username: 'ada', password: 'correct horse battery' }

async function logIn(service: Service, credentials = ada): Promise<string> {
  const { json: grant } = await service.request('POST', '/auth', json(credentials))
  return grant.token as string
}

function claimsOf(token: string): Record<string, unknown> {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}

test.serial(
  'the first start makes a secret, and after a restart tokens stand as they stood',
  async (t) => {
    const first = await startService(t)
    const path = join(first.dataDir, 'jwt-secret')
    const secret = await readFile(path, 'utf8')
    t.regex(secret, /^[A-Za-z0-9_-]{43}\n$/)
    t.is((await stat(path)).mode & 0o777, 0o600)
    t.is((await stat(first.dataDir)).mode & 0o077, 0)
    await first.request('POST', '/auth/user', json(ada))
    const kept = await logIn(first)
    const ended = await logIn(first)
    t.is((await first.request('DELETE', '/auth', bearer(ended))).status, 200)
    first.signal('SIGTERM')
    t.is((await first.exited).code, 0)

    const second = await startService(t, { DATA_DIR: first.dataDir })
    t.is(await readFile(path, 'utf8'), secret)
    const verified = await second.request('GET', '/auth', bearer(kept))
    t.is(verified.status, 200)
    t.is(verified.json.username, 'ada')
    const refused = await second.request('GET', '/auth', bearer(ended))
    t.is(refused.status, 401)
    t.is(refused.json.message, 'Token is blacklisted')
  },
)

test.serial(
  'it says where it listens, which graph it uses, and a first curl that works',
  async (t) => {
    const service = await startService(t)
    await service.said(/try: /)
    const said = service.logs().map(({ msg }) => String(msg))
    t.true(said.includes(`listening on ${service.url}`))
    t.true(said.includes(`graph: embedded graph in ${service.dataDir}`))
    const command = said.find((line) => line.startsWith('try: curl '))?.slice('try: '.length) ?? ''
    t.true(command.includes(service.url))
    if (spawnSync('curl', ['--version']).error) {
      t.log('skipped: "a first curl that works" needs curl')
      return
    }
    const { stdout } = await promisify(execFile)('sh', ['-c', `${command} -s`])
    t.deepEqual(JSON.parse(stdout), { message: 'Success' })
  },
)

test.serial('/healthz and /readyz answer GET and HEAD', async (t) => {
  const service = await startService(t)
  for (const path of ['/healthz', '/readyz']) {
    const answer = await service.request('GET', path)
    t.is(answer.status, 200, path)
    t.is(answer.json.message, 'Success', path)
    const head = await service.request('HEAD', path)
    t.is(head.status, 200, path)
    t.is(head.text, '', path)
  }
})

test.serial('a service whose Neo4j is away lives, is not ready, and stops', async (t) => {
  const service = await startService(t, {
    NEO4J_URI: 'bolt://127.0.0.1:1',
    JWT_SECRET: 'text of no less than thirty-two bytes',
  })
  t.is((await service.request('GET', '/healthz')).status, 200)
  const ready = await service.request('GET', '/readyz')
  t.is(ready.status, 503)
  t.true(Array.isArray(ready.json.reasons) && ready.json.reasons.length === 1, ready.text)
  t.truthy(ready.headers['retry-after'])
  const login = await service.request('POST', '/auth', json(ada))
  t.is(login.status, 503)
  t.is(login.json.message, 'Service unavailable')
  service.signal('SIGTERM')
  t.is((await service.exited).code, 0)
})

test.serial('a hash that is cheap to try is warned of', async (t) => {
  const cheap = await startService(t, { BCRYPT_COST: '9' })
  t.regex(cheap.output(), /"level":"warn".*BCRYPT_COST=9: .*set 10 or more/)
  const usual = await startService(t, { BCRYPT_COST: '10' })
  t.notRegex(usual.output(), /BCRYPT_COST/)
})

type Line = Record<string, unknown>

/** What the log says of one request, beside its time; checks what every line has. */
async function lineOf(t: ExecutionContext, service: Service, sent: Sent): Promise<Line> {
  const { method, path, ...sending } = sent
  const { headers, status } = await service.request(method, path, sending)
  const id = String(headers['x-request-id'])
  await service.said(new RegExp(`"requestId":"${id}".*"msg":.*\n`))
  const lines = service.logs().filter(({ requestId, msg }) => requestId === id && msg)
  t.is(lines.length, 1)
  const [{ time, durationMs, requestId: _, ...fields } = {}] = lines
  t.false(Number.isNaN(Date.parse(String(time))))
  t.true(typeof durationMs === 'number' && durationMs >= 0)
  t.is(fields.method, method)
  t.is(fields.status, status)
  return fields
}

function line(method: string, route: string, status: number, more: Line = {}): Line {
  return { level: 'info', msg: 'request', method, route, status, ...more }
}

test.serial('each request leaves one line, with whose token it was about', async (t) => {
  const service = await startService(t)
  const lineAfter = (method: string, path: string, sending: Sending = {}) =>
    lineOf(t, service, { method, path, ...sending })
  await service.request('POST', '/auth/user', json(ada))
  const token = await logIn(service)
  const { sub: user, jti } = claimsOf(token)

  const login = await lineAfter('POST', '/auth', json(ada))
  t.like(login, line('POST', '/auth', 200, { user }))
  t.regex(String(login.jti), /^[\w-]{22}$/)
  t.deepEqual(
    await lineAfter('GET', '/auth', bearer(token)),
    line('GET', '/auth', 200, { user, jti }),
  )
  const refreshed = await lineAfter('PATCH', '/auth', bearer(token))
  t.like(refreshed, line('PATCH', '/auth', 200, { user }))
  t.regex(String(refreshed.jti), /^[\w-]{22}$/)
  await service.request('DELETE', '/auth', bearer(token))
  const refused = { user, jti, code: 'token_is_blacklisted' }
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    t.deepEqual(
      await lineAfter(method, '/auth', bearer(token)),
      line(method, '/auth', 401, refused),
    )
  }
  t.deepEqual(
    await lineAfter('POST', '/auth', json({ ...ada, password: 'not that one' })),
    line('POST', '/auth', 401, { user, code: 'bad_credentials' }),
  )
  t.deepEqual(await lineAfter('GET', '/healthz'), line('GET', '/healthz', 200))
  t.like(await lineAfter('GET', '/nowhere'), line('GET', 'unknown', 404))
  t.like(await lineAfter('PUT', '/auth'), line('PUT', '/auth', 405))
  const other = json({ ...ada, password: 'another horse battery' })
  t.like(await lineAfter('PATCH', '/auth/user', other), line('PATCH', '/auth/user', 201))
})

test.serial('the line of a log-out says whose token was ended', async (t) => {
  const service = await startService(t)
  await service.request('POST', '/auth/user', json(ada))
  for (const path of ['/auth', '/auth?scope=token']) {
    const token = await logIn(service)
    const { sub: user, jti } = claimsOf(token)
    t.deepEqual(
      await lineOf(t, service, { method: 'DELETE', path, ...bearer(token) }),
      line('DELETE', '/auth', 200, { user, jti }),
    )
  }
})

test.serial('a fit X-Request-Id comes back and is logged; for any other one is made', async (t) => {
  const service = await startService(t)
  for (const id of ['req-1', 'a/b+c=d:e.f_G', 'x'.repeat(128)]) {
    const { headers } = await service.request('GET', '/healthz', {
      headers: { 'X-Request-Id': id },
    })
    t.is(headers['x-request-id'], id)
  }
  const hostile = ['', 'a b', '<script>', '{"a":1}', 'x'.repeat(129), '\u00fc']
  const made = new Set<unknown>()
  for (const id of [undefined, ...hostile, ['one', 'two']]) {
    const headers = id === undefined ? {} : { 'X-Request-Id': id }
    // Refusals carry one, too.
    for (const [method, path] of [
      ['GET', '/healthz'],
      ['GET', '/nowhere'],
      ['PUT', '/auth'],
      ['GET', '/auth'],
    ] as const) {
      const answer = await service.request(method, path, { headers })
      t.regex(
        String(answer.headers['x-request-id']),
        /^[\w-]{12}-[0-9a-z]+$/,
        `${method} ${path} ${id}`,
      )
      made.add(answer.headers['x-request-id'])
    }
  }
  t.is(made.size, 4 * (hostile.length + 2))
  await service.said(new RegExp(`"requestId":"${[...made].at(-1)}".*\n`))
  const logged = new Set(service.logs().map(({ requestId }) => requestId))
  t.true([...made].every((id) => logged.has(id)))
})

test.serial('no token, password, body or query string is ever logged', async (t) => {
  const service = await startService(t, { LOG_LEVEL: 'trace' })
  const username = 'name-in-a-body'
  const password = 'Password-in-a-body'
  const other = 'Other-password-in-a-body'
  const mark = 'mark-in-a-query'
  const ask = service.request
  const credentials = { username, password }
  const query = `?mark=${mark}&${new URLSearchParams(credentials)}`
  const plain = { 'Content-Type': 'text/plain' }
  const type = { 'Content-Type': 'application/json' }
  const basic = Buffer.from(`${username}:${password}`).toString('base64')

  await ask('POST', '/auth/user', json({ ...credentials, [mark]: mark }))
  await ask('POST', '/auth/user', form(credentials))
  await ask('POST', `/auth/user${query}`)
  const tokens = [
    await ask('POST', '/auth', json(credentials)),
    await ask('POST', '/auth', form(credentials)),
    await ask('POST', `/auth${query}`),
  ].map(({ json: { token } }) => token as string)
  const [token = '', second = '', third = ''] = tokens
  const { json: next } = await ask('PATCH', '/auth', bearer(token))
  tokens.push(next.token as string)
  for (const method of ['GET', 'HEAD', 'PATCH', 'DELETE', 'PUT', 'BREW', 'OPTIONS']) {
    await ask(method, `/auth?token=${third}&mark=${mark}`)
    await ask(method, '/auth', json({ token: second, mark }))
    await ask(method, '/auth', form({ token: second, mark }))
    await ask(method, '/auth', bearer(token, { headers: { Cookie: `token=${token}` } }))
    await ask(method, '/auth', bearer(`${token}${mark}`))
    await ask(method, `/auth?token=${token}`, bearer(second))
    await ask(method, `/auth?token=%ZZ${token}`)
    await ask(method, `/auth/${token}?mark=${mark}`)
    await ask(method, '/auth', { headers: { Authorization: `Basic ${basic}` } })
    await ask(method, '/auth', { headers: { Authorization: [`Bearer ${token}`, mark] } })
    await ask(method, '/healthz', {
      headers: { 'X-Request-Id': token, Referer: `/auth?token=${token}` },
    })
  }
  for (const [method, path] of [
    ['POST', '/auth'],
    ['POST', '/auth/user'],
    ['PATCH', '/auth/user'],
  ] as const) {
    await ask(method, path, json({ username, password: other }))
    await ask(method, path, json({ username, password: other, currentPassword: password }))
    await ask(method, path, json({ username, password: [password] }))
    await ask(method, path, json({ username: { username }, password }))
    await ask(method, path, json({ username: `${username}\u0000!`, password }))
    await ask(method, path, json([username, password]))
    await ask(method, path, { headers: type, body: `{"username":"${username}","password":` })
    await ask(method, path, {
      headers: type,
      body: Buffer.from(`{"a":"${password}\xff"}`, 'latin1'),
    })
    await ask(method, path, { headers: plain, body: password })
    await ask(method, path, { headers: type, body: password.repeat(1000) })
    await ask(method, `${path}?username=%E0%A4%A&password=${password}`)
    await ask(method, `${path}/${password}`)
    await ask(method, `${service.url}${path}${query}`)
  }
  for (const line of [
    `GET /auth?token=${token} HTTP/9.9`,
    `${password} /auth HTTP/1.1`,
    `GET /auth HTTP/1.1\r\nHost: x\r\nAuthorization Bearer ${token}`,
    `GET /auth HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token.repeat(100)}`,
    `POST /auth HTTP/1.1\r\nHost: x\r\nContent-Length: ${password}`,
  ]) {
    const { hostname, port } = new URL(service.url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined).resume()
    socket.end(`${line}\r\n\r\n`)
    await once(socket, 'close')
  }
  service.signal('SIGTERM')
  t.is((await service.exited).code, 0)

  t.true(service.logs().length > 100)
  const parts = tokens.flatMap((one) => [one, ...one.split('.').slice(1)])
  t.is(parts.filter((part) => part.length > 20).length, 3 * tokens.length)
  for (const secret of [username, password, other, mark, basic, ...parts]) {
    t.false(service.output().includes(secret), secret)
  }
})

import { readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type Answer, bearer, json, type Sending } from '../support/http-client.ts'
import {
  graphs,
  runCommand,
  type Service,
  startService,
  temporaryFolder,
} from '../support/service-process.ts'
import { newUsername } from '../support/world.ts'

const ada = { username: 'ada', password: 'correct horse battery' }
const onLinux = process.platform === 'linux' ? test.serial : test.skip

type Line = Record<string, unknown>

/** The audit's lines on standard output so far, without their time. */
function linesOf(service: Service): Line[] {
  return service.logs().flatMap(({ audit, time, ...line }) => (audit ? [line] : []))
}

async function linesIn(path: string): Promise<Line[]> {
  const text = await readFile(path, 'utf8')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
}

function claimsOf(token: unknown): Line {
  const [, payload = ''] = String(token).split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Line
}

/** Asks, and gives the lines that this one request left, without what every line has. */
async function noted(
  t: ExecutionContext,
  service: Service,
  [method, path, sending]: [string, string, Sending?],
): Promise<{ lines: Line[]; answer: Answer }> {
  const answer = await service.request(method, path, sending)
  const id = String(answer.headers['x-request-id'])
  await service.said(new RegExp(`"requestId":"${id}".*"msg":.*\n`))
  const lines = linesOf(service).filter(({ requestId }) => requestId === id)
  for (const { source } of lines) t.is(source, '127.0.0.1')
  return { lines: lines.map(({ source, requestId, ...line }) => line), answer }
}

test.serial('each event of a life leaves a line, with whom it was about', async (t) => {
  const service = await startService(t, { REFRESH_GRACE_SECONDS: '0' })
  const ask = (...asked: [string, string, Sending?]) => noted(t, service, asked)
  const wrong = json({ ...ada, password: 'not that one' })

  const registered = await ask('POST', '/auth/user', json(ada))
  const user = registered.lines[0]?.user
  t.regex(String(user), /^[\w-]{22}$/)
  t.deepEqual(registered.lines, [{ event: 'register', result: 'success', user }])
  const again = await ask('POST', '/auth/user', json(ada))
  t.deepEqual(again.lines, [{ event: 'register', result: 'refused', code: 'user_already_exists' }])

  const refused = { event: 'login', result: 'refused', code: 'bad_credentials', user }
  t.deepEqual((await ask('POST', '/auth', wrong)).lines, [refused])
  const nobody = await ask('POST', '/auth', json({ ...ada, username: 'nobody' }))
  t.deepEqual(nobody.lines, [{ event: 'login', result: 'refused', code: 'user_does_not_exist' }])
  const login = await ask('POST', '/auth', json(ada))
  const { token } = login.answer.json
  const { jti } = claimsOf(token)
  t.deepEqual(login.lines, [{ event: 'login', result: 'success', user, jti }])

  t.deepEqual((await ask('GET', '/auth', bearer(token))).lines, [], 'a verify is no event')
  const unreadable = { event: 'verify', result: 'refused', code: 'token_is_invalid' }
  t.deepEqual((await ask('GET', '/auth', bearer('junk'))).lines, [unreadable])
  const refreshed = await ask('PATCH', '/auth', bearer(token))
  const next = refreshed.answer.json.token
  t.deepEqual(refreshed.lines, [
    { event: 'refresh', result: 'success', user, jti: claimsOf(next).jti },
  ])
  await delay(5)
  const reused = await ask('PATCH', '/auth', bearer(token))
  t.deepEqual(reused.lines, [
    { event: 'reuse_detected', result: 'success', user, jti },
    { event: 'refresh', result: 'refused', code: 'token_is_blacklisted', user, jti },
  ])
  const ended = await ask('GET', '/auth', bearer(next))
  t.like(ended.lines[0], { event: 'verify', result: 'refused', code: 'token_is_blacklisted', user })

  const other = (await ask('POST', '/auth', json(ada))).answer.json.token
  const logout = await ask('DELETE', '/auth', bearer(other))
  t.deepEqual(logout.lines, [
    { event: 'blacklist', result: 'success', user, jti: claimsOf(other).jti },
  ])
  const changed = await ask('PATCH', '/auth/user', json({ ...ada, password: 'another horse' }))
  t.deepEqual(changed.lines, [{ event: 'change_password', result: 'success', user }])

  const unknown = { event: 'request', result: 'refused' }
  t.deepEqual((await ask('GET', '/admin')).lines, [{ ...unknown, code: 'not_found' }])
  t.deepEqual((await ask('PUT', '/auth')).lines, [{ ...unknown, code: 'method_not_allowed' }])
  for (const path of ['/healthz', '/readyz', '/metrics'])
    t.deepEqual((await ask('GET', path)).lines, [])
  t.deepEqual((await ask('OPTIONS', '/auth')).lines, [])

  const output = service.output()
  for (const secret of [token, next, other, ada.password, 'another horse', 'nobody', 'not that']) {
    t.false(output.includes(String(secret)))
  }
})

test.serial('a graph that is away is a failure, and its reason is in the log', async (t) => {
  const service = await startService(t, {
    NEO4J_URI: 'bolt://127.0.0.1:1',
    JWT_SECRET: 'text of no less than thirty-two bytes',
  })
  const { lines } = await noted(t, service, ['POST', '/auth', json(ada)])
  t.deepEqual(lines, [{ event: 'login', result: 'failed', code: 'service_unavailable' }])
})

test.serial('the reason of a hash queue that is full is in the log', async (t) => {
  const service = await startService(t, { BCRYPT_COST: '13' })
  const users = Array.from({ length: 12 }, (_, i) => json({ ...ada, username: `user-${i}` }))
  const answers = await Promise.all(users.map((one) => service.request('POST', '/auth/user', one)))
  t.true(answers.some(({ status }) => status === 503))
  const line = service.logs().find(({ status }) => status === 503)
  t.like(line, { level: 'warn', reason: 'Too many log-ins at once: try again.' })
})

test.serial('no name, header or path makes a second line or writes to a terminal', async (t) => {
  const service = await startService(t, { TRUSTED_PROXIES: '127.0.0.1' })
  const hostile = [
    'a\r\n{"audit":true,"event":"login","result":"success"}',
    'a\u2028{"audit":true}',
    'a\u2029b',
    'a\u0085b',
    '\u001b[2J\u001b]0;owned\u0007',
    '\u009b2J',
    '\u202egnp.exe',
    `a${'b'.repeat(10_000)}`,
    '{"event":"x"}',
  ]
  for (const name of hostile) {
    const user = json({ username: name, password: name })
    const headers = {
      ...user.headers,
      'X-Request-Id': Buffer.from(name)
        .toString('latin1')
        .replaceAll(/[^\t -~\x80-\xff]/g, ''),
      'X-Forwarded-For': Buffer.from(name)
        .toString('latin1')
        .replaceAll(/[^\t -~\x80-\xff]/g, ''),
    }
    await service.request('POST', '/auth', { ...user, headers })
    await service.request('POST', '/auth/user', { ...user, headers })
    await service.request('GET', `/auth?token=${encodeURIComponent(name)}`)
    await service.request('GET', `/${encodeURIComponent(name).slice(0, 1_000)}`)
    const added = await runCommand(
      ['user', 'add', name],
      { DATA_DIR: service.dataDir },
      { input: 'x' },
    )
    t.is(added.code, 1)
  }
  service.signal('SIGTERM')
  await service.exited
  const lines = linesOf(service)
  t.is(lines.length, hostile.length * 5)
  t.true(lines.every(({ result }) => result === 'refused'))
  t.notRegex(service.output(), /[^\n\P{C}]|[\u2028\u2029]/u)
  const names = lines.filter(({ by }) => by === 'operator').map(({ username }) => username)
  t.deepEqual(
    names,
    hostile.map((name) => name.slice(0, 256)),
  )
})

test.serial('what an operator changes is an event, through the socket', async (t) => {
  const service = await startService(t)
  const env = { DATA_DIR: service.dataDir, BCRYPT_COST: '4' }
  await runCommand(['user', 'add', 'ada'], env, { input: ada.password })
  await runCommand(['user', 'add', 'ada'], env, { input: ada.password })
  await runCommand(['user', 'password', 'ada'], env, { input: 'another horse' })
  await runCommand(['sessions', 'end', 'ada'], env)
  await runCommand(['user', 'show', 'ada'], env)
  await runCommand(['user', 'suspend', 'ada'], env)
  await runCommand(['user', 'delete', 'ada'], env)
  await runCommand(['tenant', 'add', 'acme'], env)
  await runCommand(['tenant', 'suspend', 'acme'], env)
  await runCommand(['caller', 'add', 'shop', '--scopes', 'verify', '--tenant', 'acme'], env)
  await runCommand(['caller', 'revoke', 'shop'], env)
  await runCommand(['caller', 'revoke', 'mall'], env)
  await runCommand(['invalidate', '--issued-before', 'now', '--tenant', 'acme'], env)
  await runCommand(['caller', 'list'], env)
  const by = { by: 'operator', username: 'ada' }
  const named = (name: string) => ({ by: 'operator', name })
  t.deepEqual(linesOf(service), [
    { event: 'register', ...by, result: 'success' },
    { event: 'register', ...by, result: 'refused', code: 'user_already_exists' },
    { event: 'change_password', ...by, result: 'success' },
    { event: 'end_sessions', ...by, result: 'success' },
    { event: 'suspend_user', ...by, result: 'success' },
    { event: 'delete_user', ...by, result: 'success' },
    { event: 'add_tenant', ...named('acme'), result: 'success' },
    { event: 'suspend_tenant', ...named('acme'), result: 'success' },
    { event: 'add_caller', ...named('shop'), tenant: 'acme', result: 'success' },
    { event: 'revoke_caller', ...named('shop'), result: 'success' },
    { event: 'revoke_caller', ...named('mall'), result: 'refused', code: 'caller_does_not_exist' },
    { event: 'invalidate', by: 'operator', tenant: 'acme', result: 'success' },
  ])
})

test.serial(
  'a file is made for its owner alone, appended to, and opened anew on SIGHUP',
  async (t) => {
    const folder = await temporaryFolder(t)
    const AUDIT_LOG = join(folder, 'audit.log')
    const first = await startService(t, { AUDIT_LOG })
    await first.request('POST', '/auth/user', json(ada))
    t.is((await stat(AUDIT_LOG)).mode & 0o777, 0o600)
    t.deepEqual(linesOf(first), [])
    t.is((await linesIn(AUDIT_LOG)).length, 1)

    await rename(AUDIT_LOG, `${AUDIT_LOG}.1`)
    await first.request('POST', '/auth', json(ada))
    t.is((await linesIn(`${AUDIT_LOG}.1`)).length, 2, 'still the old one')
    first.signal('SIGHUP')
    while (!(await stat(AUDIT_LOG).catch(() => undefined))) await delay(10)
    await first.request('POST', '/auth', json(ada))
    t.is((await linesIn(AUDIT_LOG)).length, 1)
    t.is((await linesIn(`${AUDIT_LOG}.1`)).length, 2)
    first.signal('SIGTERM')
    t.is((await first.exited).code, 0)

    const second = await startService(t, { AUDIT_LOG, DATA_DIR: first.dataDir })
    await second.request('POST', '/auth', json(ada))
    const lines = await linesIn(AUDIT_LOG)
    t.is(lines.length, 2)
    for (const { time } of lines) t.regex(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  },
)

test.serial('a command that acts on the graph itself writes to the same file', async (t) => {
  const folder = await temporaryFolder(t)
  const env = {
    AUDIT_LOG: join(folder, 'audit.log'),
    DATA_DIR: join(folder, 'data'),
    BCRYPT_COST: '4',
  }
  const { code, stdout } = await runCommand(['user', 'add', 'ada'], env, { input: ada.password })
  t.is(code, 0)
  t.is(stdout, 'Success\n')
  t.like((await linesIn(env.AUDIT_LOG))[0], { event: 'register', by: 'operator', username: 'ada' })
  const printed = await runCommand(
    ['user', 'add', 'bob'],
    { ...env, AUDIT_LOG: 'stdout' },
    { input: ada.password },
  )
  t.is(printed.stdout, 'Success\n')
})

test.serial('AUDIT_LOG=off writes nothing', async (t) => {
  const service = await startService(t, { AUDIT_LOG: 'off' })
  await service.request('POST', '/auth', json(ada))
  t.deepEqual(linesOf(service), [])
})

onLinux('a disk that is full is told once, and the service goes on', async (t) => {
  const service = await startService(t, { AUDIT_LOG: '/dev/full' })
  for (let i = 0; i < 10; i += 1) {
    t.is((await service.request('POST', '/auth', json(ada))).status, 400)
  }
  const told = service.logs().filter(({ msg }) => msg === 'the audit log cannot be written')
  t.is(told.length, 1)
  t.like(told[0], { level: 'error' })
  service.signal('SIGTERM')
  t.is((await service.exited).code, 0)
})

const neo4j = graphs.find(({ name }) => name === 'Neo4j')
const onNeo4j = neo4j ? test.serial : test.skip

onNeo4j('workers write to one file, and each opens it anew on SIGHUP', async (t) => {
  const folder = await temporaryFolder(t)
  const AUDIT_LOG = join(folder, 'audit.log')
  const service = await startService(t, { ...neo4j?.env, WORKERS: '2', AUDIT_LOG })
  await service.ready()
  const asked = (n: number) =>
    Promise.all(
      Array.from({ length: n }, () =>
        service.request('POST', '/auth', json({ ...ada, username: newUsername() })),
      ),
    )
  await asked(50)
  t.is((await linesIn(AUDIT_LOG)).length, 50)
  await rename(AUDIT_LOG, `${AUDIT_LOG}.1`)
  service.signal('SIGHUP')
  await delay(500)
  await asked(50)
  t.is((await linesIn(AUDIT_LOG)).length, 50)
  t.is((await linesIn(`${AUDIT_LOG}.1`)).length, 50)
})

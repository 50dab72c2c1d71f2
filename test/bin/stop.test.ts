import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type ClientRequest, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { bearer, json } from '../support/http-client.ts'
import { isGroupAlive, killGroup, type Service, startService } from '../support/service-process.ts'

const ada = { username: 'ada', password: 'correct horse battery' }

/** Begins a request whose body is still to come: the service waits for it, as its answer 100 says. */
async function begin(
  { url }: Service,
  method: string,
  path: string,
  body: string,
  agent?: Agent,
): Promise<ClientRequest> {
  const begun = request(`${url}${path}`, {
    method,
    agent: agent ?? false,
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      Expect: '100-continue',
    },
  })
  begun.flushHeaders()
  await once(begun, 'continue')
  return begun
}

function assertStopped(t: ExecutionContext, service: Service): void {
  t.regex(service.output(), /"msg":"stopped"/)
  t.notRegex(service.output(), /cut off/)
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test.serial(`${signal} ends it with exit code 0`, async (t) => {
    const service = await startService(t)
    service.signal(signal)
    const { code, ms } = await service.exited
    t.is(code, 0)
    t.true(ms < 2_000, `${ms} ms`)
    assertStopped(t, service)
    await t.throwsAsync(service.request('GET', '/healthz'), { code: 'ECONNREFUSED' })
  })
}

test.serial('what is in flight is answered and kept before it exits', async (t) => {
  const service = await startService(t, { BCRYPT_COST: '10', SHUTDOWN_SECONDS: '5' })
  await service.request('POST', '/auth/user', json(ada))
  let answered = 0
  const logins = Array.from({ length: 8 }, async () => {
    const answer = await service.request('POST', '/auth', json(ada))
    answered += 1
    return answer
  })
  await Promise.any(logins)
  t.true(answered < logins.length)
  service.signal('SIGTERM')
  const answers = await Promise.all(logins)
  const { code, ms } = await service.exited
  t.is(code, 0)
  t.true(ms < 5_000, `${ms} ms`)
  assertStopped(t, service)
  // On a machine that is slow enough, the last ones have waited too long for their turn.
  const granted = answers.filter(({ status }) => status === 200)
  t.true(granted.length > 0)
  t.true(answers.every(({ status }) => status === 200 || status === 503))

  const again = await startService(t, { DATA_DIR: service.dataDir })
  for (const { json } of granted) {
    t.is((await again.request('GET', '/auth', bearer(json.token))).status, 200)
  }
})

test.serial(
  'while it stops, it says that it is not ready, and finishes what was begun',
  async (t) => {
    const service = await startService(t)
    await service.request('POST', '/auth/user', json(ada))
    const ready = await begin(service, 'GET', '/readyz', '{}')
    const body = JSON.stringify(ada)
    const login = await begin(service, 'POST', '/auth', body)
    service.signal('SIGTERM')
    await service.said(/"msg":"stopping"/)
    ready.end('{}')
    const [notReady] = await once(ready, 'response')
    t.is(notReady.statusCode, 503)
    t.regex(await text(notReady), /"reasons":\["The service is stopping\."\]/)
    login.end(body)
    const [granted] = await once(login, 'response')
    t.is(granted.statusCode, 200)
    t.regex(await text(granted), /"token":/)
    t.is((await service.exited).code, 0)
    assertStopped(t, service)
  },
)

test.serial('connections that are kept alive do not hold it', async (t) => {
  const service = await startService(t)
  const idle = new Agent({ keepAlive: true })
  const busy = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => idle.destroy())
  t.teardown(() => busy.destroy())
  const verify = (agent: Agent) => service.request('GET', '/auth', { ...bearer('none'), agent })
  await Promise.all([verify(idle), verify(idle), verify(idle), verify(busy)])
  async function keepAsking(): Promise<void> {
    for (;;) await verify(busy)
  }
  const asking = t.throwsAsync(keepAsking)
  service.signal('SIGTERM')
  const { code, ms } = await service.exited
  t.is(code, 0)
  t.true(ms < 2_000, `${ms} ms`)
  assertStopped(t, service)
  await asking
})

test.serial(
  'a connection that asks to be kept alive is closed after the answer it waits for',
  async (t) => {
    const service = await startService(t, { SHUTDOWN_SECONDS: '5' })
    await service.request('POST', '/auth/user', json(ada))
    const agent = new Agent({ keepAlive: true })
    t.teardown(() => agent.destroy())
    const body = JSON.stringify(ada)
    const login = await begin(service, 'POST', '/auth', body, agent)
    service.signal('SIGTERM')
    await service.said(/"msg":"stopping"/)
    login.end(body)
    const [granted] = await once(login, 'response')
    t.is(granted.statusCode, 200)
    await text(granted)
    const { code, ms } = await service.exited
    t.is(code, 0)
    t.true(ms < 2_000, `${ms} ms`)
    assertStopped(t, service)
  },
)

test.serial('a connection that has asked for nothing does not hold it', async (t) => {
  const service = await startService(t, { SHUTDOWN_SECONDS: '5' })
  const silent = connect(Number(new URL(service.url).port), '127.0.0.1')
  silent.on('error', () => undefined)
  t.teardown(() => silent.destroy())
  await once(silent, 'connect')
  // Connections are accepted in turn: when this is answered, the silent one was accepted.
  await service.request('GET', '/healthz')
  service.signal('SIGTERM')
  const { code, ms } = await service.exited
  t.is(code, 0)
  t.true(ms < 2_000, `${ms} ms`)
  assertStopped(t, service)
})

test.serial('a client that is stuck is cut off after SHUTDOWN_SECONDS', async (t) => {
  const service = await startService(t, { SHUTDOWN_SECONDS: '1' })
  const stuck = await begin(service, 'POST', '/auth', JSON.stringify(ada))
  const cut = once(stuck, 'error')
  stuck.write('{"user')
  service.signal('SIGTERM')
  const { code, ms } = await service.exited
  await cut
  t.is(code, 0)
  t.true(ms > 500 && ms < 2_000, `${ms} ms`)
  t.regex(service.output(), /cut off what was still running.*\n.*"stopped"/)
})

test.serial('it stops although nobody reads its log any more', async (t) => {
  const service = await startService(t)
  await service.said(/try: /)
  service.deafen()
  service.signal('SIGTERM')
  const late = delay(5_000, 'still there after 5 s', { ref: false })
  t.is(await Promise.race([service.exited.then(({ code }) => code), late]), 0)
})

for (const pair of [
  ['SIGINT', 'SIGINT'],
  ['SIGINT', 'SIGTERM'],
  ['SIGTERM', 'SIGINT'],
] as const) {
  test.serial(`${pair.join(' and ')} within a millisecond are one`, async (t) => {
    const service = await startService(t)
    await service.request('POST', '/auth/user', json(ada))
    const body = JSON.stringify(ada)
    const login = await begin(service, 'POST', '/auth', body)
    for (const signal of pair) service.signal(signal)
    await service.said(/"msg":"stopping"/)
    login.end(body)
    const [granted] = await once(login, 'response')
    t.is(granted.statusCode, 200)
    await text(granted)
    t.is((await service.exited).code, 0)
    t.is(service.output().match(/"msg":"stopping"/g)?.length, 1)
    assertStopped(t, service)
  })
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test.serial(`a second, later ${signal} ends it at once`, async (t) => {
    const service = await startService(t, { SHUTDOWN_SECONDS: '30' })
    const stuck = await begin(service, 'POST', '/auth', JSON.stringify(ada))
    const cut = once(stuck, 'error')
    service.signal('SIGTERM')
    await service.said(/"msg":"stopping"/)
    // Later than two signals that are one can be apart.
    await delay(700)
    service.signal(signal)
    const { code, ms } = await service.exited
    t.not(code, 0)
    t.true(ms < 1_200, `${ms} ms`)
    await cut
  })
}

test.serial('a second, later signal does not wait for a hash', async (t) => {
  const service = await startService(t, { BCRYPT_COST: '15', SHUTDOWN_SECONDS: '30' })
  const body = JSON.stringify(ada)
  // It takes over a second, or three, to hash a password at this cost.
  const registering = await begin(service, 'POST', '/auth/user', body)
  const cut = once(registering, 'error')
  registering.end(body)
  await once(registering, 'finish')
  service.signal('SIGTERM')
  await service.said(/"msg":"stopping"/)
  await delay(600)
  service.signal('SIGTERM')
  const { code, ms } = await service.exited
  t.not(code, 0)
  t.true(ms < 1_000, `${ms} ms`)
  await cut
})

const npm = { NPM_CONFIG_UPDATE_NOTIFIER: 'false' }

test.serial('SIGTERM to npm start stops the service, and npm with it', async (t) => {
  const service = await startService(t, npm, ['npm', 'start'])
  t.is((await service.request('GET', '/readyz')).status, 200)
  service.signal('SIGTERM')
  const { code } = await service.exited
  t.is(code, 0)
  assertStopped(t, service)
  t.false(isGroupAlive(service.pid))
})

test.serial('Ctrl-C on a terminal stops the service of npm start', async (t) => {
  const command = onTerminal('echo "group=$$"; exec npm start')
  if (!command) {
    t.log('skipped: "Ctrl-C on a terminal" needs script (util-linux) or python3')
    t.pass()
    return
  }
  const service = await startService(t, npm, command)
  const [, shell] = await service.said(/group=(\d+)/)
  const group = Number(shell)
  t.teardown(() => killGroup(group))
  t.true(isGroupAlive(group))
  t.is((await service.request('GET', '/readyz')).status, 200)
  service.type('\x03')
  const { code } = await service.exited
  t.is(code, 0)
  t.regex(service.output(), /stopped/)
  t.is(service.output().match(/stopping/g)?.length, 1)
  t.notRegex(service.output(), /cut off/)
  t.false(isGroupAlive(group))
  await t.throwsAsync(service.request('GET', '/healthz'), { code: 'ECONNREFUSED' })
})

/** A command that runs another one of the shell's on a new terminal, if this machine has any. */
function onTerminal(command: string): [string, ...string[]] | undefined {
  const has = ({ error, stdout }: SpawnSyncReturns<string>, sign: string) =>
    !error && stdout.includes(sign)
  if (has(spawnSync('script', ['--version'], { encoding: 'utf8' }), 'util-linux')) {
    return ['script', '-qfec', command, '/dev/null']
  }
  if (has(spawnSync('python3', ['--version'], { encoding: 'utf8' }), 'Python 3')) {
    const program = `import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(['sh', '-c', sys.argv[1]])))`
    return ['python3', '-c', program, command]
  }
  return undefined
}

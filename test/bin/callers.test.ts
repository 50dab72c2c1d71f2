import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import anyTest, { type ExecutionContext } from 'ava'
import { bearer, json, type Sending } from '../support/http-client.ts'
import {
  type Environment,
  graphs,
  runCommand,
  type Service,
  startService,
} from '../support/service-process.ts'
import { createProxy } from '../support/tcp-proxy.ts'
import { newCallerName, newUsername, PASSWORD } from '../support/world.ts'

const BOUND_MS = 1_000
const neo4j: Environment | undefined = graphs[1]?.env
const test = anyTest.serial
const onNeo4j = neo4j ? anyTest.serial : anyTest.serial.skip

function withKey(key: string, sending: Sending = {}): Sending {
  return { ...sending, headers: { ...sending.headers, 'X-Api-Key': key } }
}

/** Runs `sessiongraph caller ...` beside a service. */
function commands(t: ExecutionContext, env: Environment) {
  return async (...args: string[]) => {
    const ran = await runCommand(['caller', ...args, '--json'], env)
    t.is(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`)
    return JSON.parse(ran.stdout)
  }
}

async function startReady(t: ExecutionContext, env: Environment) {
  const service = await startService(t, { CALLER_AUTH: 'on', ...env })
  await service.ready()
  return service
}

/** A live token, and how a service answers to a key that comes with it. */
async function tokenFor(service: Service, key: string) {
  const user = { username: newUsername(), password: PASSWORD }
  await service.request('POST', '/auth/user', withKey(key, json(user)))
  const { json: granted } = await service.request('POST', '/auth', withKey(key, json(user)))
  return String(granted.token)
}

for (const { name: graph, env } of graphs) {
  test(`from no caller to one that is revoked, on ${graph}`, async (t) => {
    const service = await startReady(t, { ...env, HOST: '0.0.0.0', CALLER_AUTH: '' })
    if (!env.NEO4J_URI)
      await service.said(/no caller is known yet: add one with \\"sessiongraph caller add/)
    const run = commands(t, { ...env, DATA_DIR: service.dataDir })
    const name = newCallerName()
    const { key } = await run('add', name, '--scopes', 'verify,sessions,users')
    t.regex(key, /^sgk_[\w-]{66}$/)
    const token = await tokenFor(service, key)
    const ask = async (given: string) =>
      (await service.request('GET', '/auth', withKey(given, bearer(token)))).status
    t.is(await ask(key), 200)
    t.is(await ask(key), 200)
    t.is((await service.request('GET', '/auth', bearer(token))).status, 401)
    const { key: second } = await run('rotate', name)
    t.is(await ask(key), 200)
    t.is(await ask(second), 200)
    const { key: third } = await run('rotate', name, '--overlap', '0')
    if (env.NEO4J_URI) await delay(BOUND_MS)
    t.deepEqual([await ask(key), await ask(second), await ask(third)], [401, 401, 200])
    const listed = await run('list')
    t.like(
      listed.find((one: { name: string }) => one.name === name),
      { status: 'active', scopes: ['verify', 'sessions', 'users'], tenant: null },
    )
    await run('revoke', name)
    if (env.NEO4J_URI) await delay(BOUND_MS)
    t.is(await ask(third), 401)

    const { text: metrics } = await service.request('GET', '/metrics')
    const files = env.NEO4J_URI ? '' : await everythingIn(join(service.dataDir, 'graph.grafeo'))
    for (const text of [key, second, third]) {
      for (const place of [service.output(), metrics, files])
        t.false(place.includes(text.slice(27)))
    }
    t.true(service.logs().some(({ caller, status }) => caller === name && status === 200))
  })
}

async function everythingIn(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)('find', [path, '-type', 'f'])
  const files = stdout.split('\n').filter((file) => file !== '')
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('')
}

test('on a loopback address callers need not say who they are, elsewhere only if that is said', async (t) => {
  const local = await startService(t)
  t.is((await local.request('GET', '/auth')).json.code, 'token_must_be_provided')
  t.notRegex(local.output(), /caller/)
  const said = await startService(t, { HOST: '0.0.0.0', CALLER_AUTH: 'off' })
  t.is((await said.request('GET', '/auth')).json.code, 'token_must_be_provided')
  await said.said(/CALLER_AUTH=off: whoever reaches 0\.0\.0\.0 may do everything/)
  const unsaid = await startService(t, { HOST: '0.0.0.0' })
  t.is((await unsaid.request('GET', '/auth')).json.code, 'caller_unknown')
})

test('a wrong call of a command is told, and does nothing', async (t) => {
  const service = await startService(t)
  const run = async (...args: string[]) =>
    runCommand(['caller', ...args], { DATA_DIR: service.dataDir })
  const refusals: [string[], RegExp, number][] = [
    [['add', 'Shop', '--scopes', 'verify'], /Request is invalid/, 1],
    [['add', 'shop'], /usage: sessiongraph caller add NAME --scopes/, 2],
    [['add', 'shop', '--scopes='], /Name one or more of the scopes/, 1],
    [['add', 'shop', '--scopes', 'verify,root'], /Name one or more of the scopes/, 1],
    [['add', 'shop', '--scopes', 'verify', '--tenant', 'x'], /Tenant does not exist/, 1],
    [['rotate', 'shop'], /Caller does not exist/, 1],
    [['revoke', 'shop'], /Caller does not exist/, 1],
    [['add'], /usage: sessiongraph caller add NAME/, 2],
  ]
  for (const [args, said, code] of refusals) {
    const ran = await run(...args)
    t.is(ran.code, code, args.join(' '))
    t.regex(ran.stderr, said)
    t.is(ran.stdout, '')
  }
  t.is((await run('list')).stdout, 'no callers\n')
  const added = await run('add', 'shop', '--scopes', 'verify')
  t.regex(added.stdout, /^name +shop\nkey +sgk_\S{66}\nThis key is shown once: .*X-Api-Key\.\n$/)
  t.regex((await run('add', 'shop', '--scopes', 'verify')).stderr, /Caller already exists/)
  for (const overlap of ['-1', 'x', '2592001']) {
    t.regex((await run('rotate', 'shop', `--overlap=${overlap}`)).stderr, /The overlap is 0 to/)
  }
  t.regex((await run('list')).stdout, /^caller .*\nshop +active +verify /)
})

onNeo4j(
  'what is revoked by one is refused by the other within the bound, under load',
  async (t) => {
    const [one, other] = await Promise.all([
      startReady(t, { ...neo4j }),
      startReady(t, { ...neo4j }),
    ])
    const run = commands(t, { ...neo4j, DATA_DIR: one.dataDir })
    const { key: steady } = await run('add', newCallerName(), '--scopes', 'verify,sessions,users')
    const token = await tokenFor(one, steady)
    let isLoading = true
    const odd: number[] = []
    const load = Array.from({ length: 4 }, async (_, i) => {
      const service = i % 2 === 0 ? one : other
      while (isLoading) {
        const { status } = await service.request('GET', '/auth', withKey(steady, bearer(token)))
        if (status !== 200) odd.push(status)
      }
    })
    const took: number[] = []
    for (let i = 0; i < 4; i += 1) {
      const name = newCallerName()
      const { key } = await run('add', name, '--scopes', 'verify')
      const ask = async (service: Service) =>
        (await service.request('GET', '/auth', withKey(key, bearer(token)))).status
      for (const service of [one, other, one, other]) t.is(await ask(service), 200)
      await run('revoke', name)
      const begun = performance.now()
      const left = new Set([one, other])
      while (left.size > 0 && performance.now() - begun < 2 * BOUND_MS) {
        for (const service of left) if ((await ask(service)) === 401) left.delete(service)
      }
      took.push(performance.now() - begun)
    }
    isLoading = false
    await Promise.all(load)
    t.log(`refused ${took.map(Math.round).join(', ')} ms after the command was done`)
    for (const ms of took) t.true(ms < BOUND_MS, `${ms} ms`)
    t.deepEqual(odd, [])
  },
)

onNeo4j(
  'a replica that was stopped does not let a revoked caller in when it goes on',
  async (t) => {
    const service = await startReady(t, { ...neo4j })
    const run = commands(t, { ...neo4j, DATA_DIR: service.dataDir })
    const name = newCallerName()
    const { key } = await run('add', name, '--scopes', 'verify,sessions,users')
    const { key: steady } = await run('add', newCallerName(), '--scopes', 'verify')
    const token = await tokenFor(service, key)
    const ask = async (given: string) =>
      (await service.request('GET', '/auth', withKey(given, bearer(token)))).status
    for (const given of [key, key, steady, steady]) t.is(await ask(given), 200)
    service.signal('SIGSTOP')
    try {
      await delay(BOUND_MS + 200)
      await run('revoke', name)
      // These wait in the socket: they are the first that it sees.
      const waiting = Promise.all([ask(key), ask(key), ask(steady)])
      await delay(300)
      service.signal('SIGCONT')
      t.deepEqual(await waiting, [401, 401, 200])
    } finally {
      service.signal('SIGCONT')
    }
  },
)

onNeo4j('a replica cut from the graph lets nobody in past the bound, and recovers', async (t) => {
  const proxy = await createProxy(String(neo4j?.NEO4J_URI))
  t.teardown(() => proxy.close())
  const whole = await startReady(t, { ...neo4j })
  const cut = await startReady(t, { ...neo4j, NEO4J_URI: `bolt://127.0.0.1:${proxy.port}` })
  const run = commands(t, { ...neo4j, DATA_DIR: whole.dataDir })
  const { key } = await run('add', newCallerName(), '--scopes', 'verify,sessions,users')
  const token = await tokenFor(whole, key)
  const ask = async (given: string) => {
    const begun = performance.now()
    const { status } = await cut.request('GET', '/auth', withKey(given, bearer(token)))
    t.true(performance.now() - begun < 3_000)
    return status
  }
  while ((await cut.request('GET', '/readyz?verbose')).json.mode !== 'memory') await delay(20)
  t.deepEqual([await ask(key), await ask(key)], [200, 200])
  proxy.silence('both')
  await delay(BOUND_MS + 200)
  t.deepEqual(await Promise.all([ask(key), ask(key), ask(`${key.slice(0, -1)}_`)]), [503, 503, 503])
  t.is(await ask('no key'), 401)
  proxy.cut()
  await proxy.heal()
  const begun = performance.now()
  while ((await ask(key)) !== 200) {
    if (performance.now() - begun > 6_000) break
    await delay(50)
  }
  t.is(await ask(key), 200)
  t.true(performance.now() - begun < 6_000)
})

onNeo4j('workers know callers, and what the command line ends all of them refuse', async (t) => {
  const service = await startReady(t, { ...neo4j, WORKERS: '2' })
  const run = commands(t, { ...neo4j, DATA_DIR: service.dataDir })
  const name = newCallerName()
  const { key } = await run('add', name, '--scopes', 'verify,sessions,users')
  const token = await tokenFor(service, key)
  const asked = async () => {
    const asking = Array.from({ length: 20 }, () =>
      service.request('GET', '/auth', withKey(key, bearer(token))),
    )
    return new Set((await Promise.all(asking)).map(({ status }) => status))
  }
  t.deepEqual([...(await asked())], [200])
  t.deepEqual([...(await asked())], [200])
  await run('revoke', name)
  await delay(BOUND_MS)
  t.deepEqual([...(await asked())], [401])
})

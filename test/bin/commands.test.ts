import { chmod, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { bearer, json } from '../support/http-client.ts'
import {
  type Environment,
  graphs,
  runCommand,
  startService,
  temporaryFolder,
} from '../support/service-process.ts'
import { newTenant, newUsername } from '../support/world.ts'

const PASSWORD = 'correct horse battery'

/** Runs commands of one graph, each asserted to end with its exit code. */
function operator(t: ExecutionContext, env: Environment) {
  return async (args: string[], exitCode: number, input = '') => {
    const ran = await runCommand(args, { BCRYPT_COST: '4', ...env }, { input })
    t.is(ran.code, exitCode, `${args.join(' ')}: ${ran.stderr}`)
    return ran
  }
}

for (const { name, env } of graphs) {
  test.serial(`an operator's day on ${name}, with a service that runs`, async (t) => {
    const service = await startService(t, env)
    await service.ready()
    const run = operator(t, { ...env, DATA_DIR: service.dataDir })
    const username = newUsername()

    t.is((await run(['user', 'add', username], 0, `${PASSWORD}\n`)).stdout, 'Success\n')
    const taken = await run(['user', 'add', username], 1, PASSWORD)
    t.regex(taken.stderr, /^sessiongraph: User already exists\. /)
    const granted = await service.request('POST', '/auth', json({ username, password: PASSWORD }))
    const token = granted.json.token as string

    t.like(JSON.parse((await run(['user', 'show', username, '--json'], 0)).stdout), {
      username,
      sessions: 1,
    })
    const listed = JSON.parse((await run(['sessions', 'list', username, '--json'], 0)).stdout)
    t.is(listed.length, 1)
    t.like(listed[0], { state: 'live', tokens: 1 })
    const valid = JSON.parse((await run(['token', 'explain', token, '--json'], 0)).stdout)
    t.like(valid, { state: 'valid', known: true, decidedBy: null })
    t.is(valid.token.user.username, username)

    await run(['sessions', 'end', username], 0)
    // On Neo4j the command acts beside the service, which honours it within the bound.
    if (env.NEO4J_URI) await delay(1_000)
    t.is((await service.request('GET', '/auth', bearer(token))).status, 401)
    const ended = JSON.parse((await run(['token', 'explain', '-', '--json'], 1, token)).stdout)
    t.like(ended, { state: 'blacklisted' })
    t.like(ended.decidedBy, { scope: 'user', kind: 'ended', reason: 'operator' })
    t.regex((await run(['sessions', 'list', username], 0)).stdout, /ended +operator/)

    const file = join(await temporaryFolder(t), 'password')
    await writeFile(file, 'another horse battery\n')
    await run(['user', 'password', username, '--password-file', file], 0)
    const changed = json({ username, password: 'another horse battery' })
    t.is((await service.request('POST', '/auth', changed)).status, 200)

    const again = await service.request('POST', '/auth', changed)
    await run(['invalidate', '--issued-before', 'now', '--user', username], 0)
    if (env.NEO4J_URI) await delay(1_000)
    const refused = await service.request('GET', '/auth', bearer(String(again.json.token)))
    t.is(refused.json.message, 'Token is blacklisted')
    const anew = await service.request('POST', '/auth', changed)
    t.is((await service.request('GET', '/auth', bearer(String(anew.json.token)))).status, 200)

    const status = JSON.parse((await run(['status', '--json'], 0)).stdout)
    t.true(status.users >= 1 && status.seq >= 2)
    t.is(typeof status.epoch, 'string')
    t.regex((await run(['prune', '--dry-run'], 0)).stdout, /^would remove \d+ tokens/)
    t.is(typeof JSON.parse((await run(['prune', '--json'], 0)).stdout).message, 'undefined')
  })
}

for (const { name, env } of graphs) {
  test.serial(`a tenant with its users on ${name}, with a service that runs`, async (t) => {
    const service = await startService(t, { ...env, MAX_SESSIONS_PER_USER: '3' })
    await service.ready()
    const run = operator(t, { ...env, DATA_DIR: service.dataDir })
    const [tenant, username] = [newTenant(), newUsername()]
    const user = { tenant, username, password: PASSWORD }
    const named = [username, '--tenant', tenant]
    const logIn = () => service.request('POST', '/auth', json(user))
    // On Neo4j the command acts beside the service, which honours it within the bound.
    const honoured = () => delay(env.NEO4J_URI ? 1_000 : 0)
    async function verify(tokens: string[]): Promise<number[]> {
      await honoured()
      const answers = tokens.map((token) => service.request('GET', '/auth', bearer(token)))
      return (await Promise.all(answers)).map(({ status }) => status)
    }

    t.is((await run(['tenant', 'add', tenant], 0)).stdout, 'Success\n')
    t.regex((await run(['tenant', 'add', tenant], 1)).stderr, /Tenant already exists/)
    t.regex((await run(['tenant', 'add', 'No Such'], 1)).stderr, /1 to 64 of a-z/)
    const listed = JSON.parse((await run(['tenant', 'list', '--json'], 0)).stdout)
    t.like(
      listed.find((one: { name: string }) => one.name === tenant),
      { status: 'active' },
    )
    await run(['user', 'add', ...named], 0, PASSWORD)
    t.regex((await run(['user', 'show', username], 1)).stderr, /User does not exist/)
    const tokens: string[] = []
    for (let i = 0; i < 4; i += 1) tokens.push((await logIn()).json.token as string)
    t.deepEqual(await verify(tokens), [401, 200, 200, 200])
    t.like(JSON.parse((await run(['user', 'show', ...named, '--json'], 0)).stdout), {
      username,
      status: 'active',
      sessions: 3,
    })
    const sessions = JSON.parse((await run(['sessions', 'list', ...named, '--json'], 0)).stdout)
    t.is(sessions.length, 4)
    const answer = await service.request('GET', '/auth', bearer(tokens[2]))
    const session = answer.json.session as string
    await run(['sessions', 'end', ...named, '--session', session], 0)
    t.deepEqual(await verify(tokens), [401, 200, 401, 200])
    const kept = (await service.request('GET', '/auth', bearer(tokens[3]))).json.session as string
    await run(['sessions', 'end', ...named, '--except', kept], 0)
    t.deepEqual(await verify(tokens), [401, 401, 401, 200])
    const unknown = await run(['sessions', 'end', ...named, '--session', 'junk'], 1)
    t.regex(unknown.stderr, /Session does not exist/)
    await run(['sessions', 'end', ...named, '--session', kept, '--except', kept], 1)
    await run(['user', 'delete', ...named, '--session', kept], 2)

    await run(['user', 'suspend', ...named], 0)
    t.deepEqual(await verify(tokens), [401, 401, 401, 401])
    t.is((await logIn()).json.message, 'User is suspended')
    await run(['user', 'reinstate', ...named], 0)
    await run(['tenant', 'suspend', tenant], 0)
    t.is((await logIn()).json.message, 'Tenant is suspended')
    t.regex(
      (await run(['user', 'add', 'ada', '--tenant', tenant], 1, PASSWORD)).stderr,
      /suspended/,
    )
    t.regex((await run(['tenant', 'list'], 0)).stdout, new RegExp(`${tenant} +suspended`))
    await run(['tenant', 'reinstate', tenant], 0)
    const last = (await logIn()).json.token as string
    await run(['user', 'delete', ...named], 0)
    t.deepEqual(await verify([...tokens, last]), [401, 401, 401, 401, 401])
    const dead = JSON.parse((await run(['token', 'explain', '-', '--json'], 1, last)).stdout)
    t.like(dead.decidedBy, { scope: 'user', reason: 'deleted' })
    t.regex((await run(['user', 'delete', ...named], 1)).stderr, /User does not exist/)
  })
}

test.serial('without a service a command opens the embedded graph itself', async (t) => {
  const DATA_DIR = join(await temporaryFolder(t), 'data')
  const run = operator(t, { DATA_DIR })
  await run(['user', 'add', 'ada'], 0, PASSWORD)
  const service = await startService(t, { DATA_DIR })
  const granted = await service.request(
    'POST',
    '/auth',
    json({ username: 'ada', password: PASSWORD }),
  )
  t.is(granted.status, 200)
  service.signal('SIGTERM')
  await service.exited
  t.regex((await run(['token', 'explain', '-'], 0, granted.json.token as string)).stdout, /valid/)
})

test.serial(
  'the socket of a service is for its owner alone, and a stale one is no obstacle',
  async (t) => {
    const service = await startService(t)
    const path = join(service.dataDir, 'sessiongraph.sock')
    t.is((await stat(path)).mode & 0o777, 0o600)
    t.is((await stat(service.dataDir)).mode & 0o077, 0)
    service.signal('SIGKILL')
    await service.exited
    const run = operator(t, { DATA_DIR: service.dataDir })
    await run(['status'], 0)
    const again = await startService(t, { DATA_DIR: service.dataDir })
    await chmod(path, 0o600)
    await run(['status'], 0)
    t.regex(again.output(), /listening/)
  },
)

test('exit codes tell a refusal, a wrong call and an unreachable graph apart', async (t) => {
  const DATA_DIR = join(await temporaryFolder(t), 'data')
  const run = operator(t, { DATA_DIR })
  t.regex((await run(['user', 'show', 'nobody'], 1)).stderr, /User does not exist/)
  t.deepEqual(
    Object.keys(JSON.parse((await run(['user', 'show', 'nobody', '--json'], 1)).stdout)),
    ['code', 'message', 'detail'],
  )
  t.regex((await run(['user', 'add', 'ada'], 1, 'short')).stderr, /Password validation failed/)
  t.regex(
    (await run(['user', 'add'], 2)).stderr,
    /^sessiongraph: usage: sessiongraph user add USER/,
  )
  t.regex((await run(['user', 'add', 'ada', PASSWORD], 2)).stderr, /usage/)
  await run(['users'], 2)
  await run(['status', '--verbose'], 2)
  const away = operator(t, { NEO4J_URI: 'bolt://127.0.0.1:1', JWT_SECRET: 'a'.repeat(32) })
  t.regex((await away(['status'], 3)).stderr, /^sessiongraph: /)
})

test('each command has its help with an example', async (t) => {
  const run = operator(t, {})
  const { stdout } = await run(['help'], 0)
  const lines = stdout
    .split('\n')
    .filter((line) =>
      /^ {2}(status|prune|user|sessions|tenant|caller|token|keys|invalidate|backup|restore) /.test(
        line,
      ),
    )
  t.is(lines.length, 27)
  for (const line of lines) {
    const words = line
      .trim()
      .split(' ')
      .filter((word) => /^[a-z]+$/.test(word))
    const command = /^(status|prune|invalidate|backup|restore)/.test(line.trim())
      ? words.slice(0, 1)
      : words.slice(0, 2)
    t.regex(
      (await run([...command, '--help'], 0)).stdout,
      /usage: .*\n\n.*\n\nexample: sessiongraph /,
    )
  }
})

test.serial('what has expired is pruned by the schedule, with a line for the run', async (t) => {
  const service = await startService(t, { PRUNE_SCHEDULE: '* * * * * *' })
  const [line] = await service.said(/\{[^\n]*"msg":"pruned"\}/)
  t.like(JSON.parse(line), { tokens: 0, sessions: 0, entries: 0, complete: true })
})

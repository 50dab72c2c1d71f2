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
import { newUsername } from '../support/world.ts'

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

    const status = JSON.parse((await run(['status', '--json'], 0)).stdout)
    t.true(status.users >= 1 && status.seq >= 2)
    t.is(typeof status.epoch, 'string')
    t.regex((await run(['prune', '--dry-run'], 0)).stdout, /^would remove \d+ tokens/)
    t.is(typeof JSON.parse((await run(['prune', '--json'], 0)).stdout).message, 'undefined')
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
    .filter((line) => /^ {2}(status|prune|user|sessions|token) /.test(line))
  t.is(lines.length, 8)
  for (const line of lines) {
    const words = line
      .trim()
      .split(' ')
      .filter((word) => /^[a-z]+$/.test(word))
    const command = /^(status|prune)/.test(line.trim()) ? words.slice(0, 1) : words.slice(0, 2)
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

import { copyFile, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { openEmbedded } from '../../src/graph/embedded.ts'
import { bearer, json } from '../support/http-client.ts'
import {
  runCommand,
  type Service,
  startService,
  temporaryFolder,
} from '../support/service-process.ts'
import { newUsername } from '../support/world.ts'

const password = 'correct horse battery'

/** Runs commands on one graph, each asserted to end with its exit code. */
function operator(t: ExecutionContext, DATA_DIR: string) {
  return async (args: string[], exitCode: number, input = '') => {
    const ran = await runCommand(args, { BCRYPT_COST: '4', DATA_DIR }, { input })
    t.is(ran.code, exitCode, `${args.join(' ')}: ${ran.stderr}`)
    return ran
  }
}

async function newUser({ request }: Service): Promise<string> {
  const username = newUsername()
  await request('POST', '/auth/user', json({ username, password }))
  return username
}

async function logIn({ request }: Service, username: string): Promise<string> {
  const { json: body, status, text } = await request('POST', '/auth', json({ username, password }))
  if (status !== 200) throw new Error(`${status} ${text}`)
  return String(body.token)
}

async function stop(service: Service): Promise<void> {
  service.signal('SIGTERM')
  await service.exited
}

async function messageAbout({ request }: Service, token: string): Promise<unknown> {
  return (await request('GET', '/auth', bearer(token))).json.message ?? 'valid'
}

/** What a folder holds beside the graph and its secret. */
async function leftIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter(
    (name) => !/^(graph\.grafeo|jwt-secret|api-key-secret|.*\.sock)/.test(name),
  )
}

test.serial('a backup while it serves holds all that was acknowledged before', async (t) => {
  const service = await startService(t)
  const run = operator(t, service.dataDir)
  const acknowledged: string[] = []
  let isOver = false
  async function work(): Promise<void> {
    while (!isOver) {
      const username = newUsername()
      const { status } = await service.request('POST', '/auth/user', json({ username, password }))
      if (status === 201) acknowledged.push(username)
    }
  }
  const working = Promise.all(Array.from({ length: 8 }, work))
  while (acknowledged.length < 50) await delay(20)

  const backups: { file: string; held: string[] }[] = []
  for (const i of [1, 2, 3]) {
    const file = join(await temporaryFolder(t), `backup ${i}`)
    const held = [...acknowledged]
    const made = JSON.parse((await run(['backup', file, '--json'], 0)).stdout)
    t.like(made, { file, bytes: (await stat(file)).size })
    t.is((await stat(file)).mode & 0o777, 0o600)
    t.true(made.users >= held.length)
    backups.push({ file, held })
  }
  isOver = true
  await working
  t.true(acknowledged.length > (backups[2]?.held.length ?? 0), 'it went on meanwhile')
  t.deepEqual(await leftIn(service.dataDir), [])
  // What is not stopped, but killed, while it is backed up has the same in its backups.
  service.signal('SIGKILL')
  for (const { file, held } of backups) {
    const folder = await temporaryFolder(t)
    await copyFile(file, join(folder, 'graph.grafeo'))
    const engine = await openEmbedded(folder)
    const found = await engine.read(
      'MATCH (user:User)-[:MEMBER_OF]->() RETURN user.username AS name',
    )
    const names = new Set(found.map(({ name }) => name))
    t.deepEqual(
      held.filter((name) => !names.has(name)),
      [],
    )
    const [all] = await engine.read('MATCH (user:User) RETURN count(user) AS count')
    t.is(all?.count, names.size, 'no user without its tenant')
    await engine.close()
  }
})

test.serial(
  'a service that is killed amid a backup has lost nothing, and FILE is whole or not there',
  async (t) => {
    let service = await startService(t)
    const users: string[] = []
    for (const ms of [150, 300, 450]) {
      for (let i = 0; i < 20; i += 1) users.push(await newUser(service))
      const file = join(await temporaryFolder(t), 'backup')
      const backup = runCommand(['backup', file], { DATA_DIR: service.dataDir })
      await delay(ms)
      service.signal('SIGKILL')
      await service.exited
      const { code } = await backup
      if (code === 0) t.true((await stat(file)).size > 0)
      else await t.throwsAsync(stat(file))
      service = await startService(t, { DATA_DIR: service.dataDir })
      for (const username of users) t.truthy(await logIn(service, username))
    }
  },
)

test.serial(
  'what was logged out stays so after a restore, and everyone logs in anew',
  async (t) => {
    let service = await startService(t)
    const { dataDir } = service
    const run = operator(t, dataDir)
    const file = join(await temporaryFolder(t), 'backup')
    const username = await newUser(service)
    const [ended, live] = [await logIn(service, username), await logIn(service, username)]
    await run(['backup', file], 0)
    t.is((await service.request('DELETE', '/auth', bearer(ended))).status, 200)
    const later = await newUser(service)
    const lost = await logIn(service, later)
    const { epoch } = JSON.parse((await run(['status', '--json'], 0)).stdout)

    const refused = await run(['restore', file], 1)
    t.regex(refused.stderr, /A service runs on .*: stop it, then restore again/)
    await stop(service)
    const restored = JSON.parse((await run(['restore', file, '--json'], 0)).stdout)
    t.deepEqual(await leftIn(dataDir), [restored.replaced.split('/').at(-1)])
    t.deepEqual(await readdir(restored.replaced), ['graph.grafeo'])

    // The second start finds the same as the first, and prune takes nothing back.
    for (const start of ['first', 'second']) {
      service = await startService(t, { DATA_DIR: dataDir })
      t.is(await messageAbout(service, ended), 'Token is blacklisted', start)
      t.is(await messageAbout(service, live), 'Token is blacklisted', start)
      t.is(await messageAbout(service, lost), 'Token is blacklisted', start)
      t.is((await service.request('PATCH', '/auth', bearer(live))).status, 401, start)
      t.is(await messageAbout(service, await logIn(service, username)), 'valid', start)
      const unknown = await service.request('POST', '/auth', json({ username: later, password }))
      t.is(unknown.json.message, 'User does not exist')
      const status = JSON.parse((await run(['status', '--json'], 0)).stdout)
      t.not(status.epoch, epoch)
      await run(['prune'], 0)
      if (start === 'first') await stop(service)
    }
    t.like(JSON.parse((await run(['token', 'explain', ended, '--json'], 1)).stdout), {
      state: 'blacklisted',
      decidedBy: { scope: 'all', reason: 'restored', before: restored.before },
    })
  },
)

test.serial(
  'a backup is made and restored without a service, and of a graph that is damaged',
  async (t) => {
    const folder = await temporaryFolder(t)
    const dataDir = join(folder, 'data')
    const run = operator(t, dataDir)
    await run(['user', 'add', 'ada'], 0, password)
    await run(['backup', join(folder, 'backup')], 0)
    await truncate(join(dataDir, 'graph.grafeo'), 20_000)
    t.regex((await run(['status'], 3)).stderr, /may be damaged: restore a backup/)
    await run(['restore', join(folder, 'backup')], 0)
    t.like(JSON.parse((await run(['user', 'show', 'ada', '--json'], 0)).stdout), {
      username: 'ada',
    })
    const other = operator(t, join(folder, 'another'))
    await other(['restore', join(folder, 'backup')], 0)
    await other(['user', 'show', 'ada'], 0)
  },
)

test.serial('a FILE that is there is replaced only by --force', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'backup')
  const run = operator(t, join(folder, 'data'))
  await writeFile(file, 'precious')
  const { stdout, stderr } = await run(['backup', file, '--json'], 1)
  t.is(JSON.parse(stdout).code, 'request_is_invalid')
  t.regex(stderr, /is there already: name another file, or replace it with --force/)
  t.is(await readFile(file, 'utf8'), 'precious')
  await run(['backup', file, '--force'], 0)
  t.is((await stat(file)).mode & 0o777, 0o600)
  await run(['restore', file], 0)
  t.deepEqual(await readdir(folder), ['backup', 'data'])
  t.is((await run(['backup', join(folder, 'no', 'such')], 3)).stdout, '')
})

test.serial('what cannot be restored is refused, and nothing is moved', async (t) => {
  const folder = await temporaryFolder(t)
  const dataDir = join(folder, 'data')
  const run = operator(t, dataDir)
  await run(['user', 'add', 'ada'], 0, password)
  const good = join(folder, 'good')
  await run(['backup', good], 0)
  const bytes = await readFile(good)
  const flipped = Buffer.from(bytes)
  flipped[bytes.length >> 1] = (flipped[bytes.length >> 1] as number) ^ 1
  const files: Record<string, Buffer> = {
    empty: Buffer.alloc(0),
    text: Buffer.from('this is no graph'),
    truncated: bytes.subarray(0, bytes.length >> 1),
    flipped,
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  await mkdir(join(folder, 'newer'))
  await copyFile(good, join(folder, 'newer', 'graph.grafeo'))
  const engine = await openEmbedded(join(folder, 'newer'))
  await engine.write('MATCH (schema:Schema) SET schema.version = 99')
  await engine.close()

  for (const name of [...Object.keys(files), 'absent']) {
    const { stderr } = await run(['restore', join(folder, name)], 1)
    t.regex(
      stderr,
      /cannot be restored: give a whole file that "sessiongraph backup" has made/,
      name,
    )
  }
  const newer = await run(['restore', join(folder, 'newer', 'graph.grafeo')], 1)
  t.regex(newer.stderr, /schema version 99, this program knows \d+: run a newer one/)
  await run(['user', 'show', 'ada'], 0)
  t.deepEqual(await leftIn(dataDir), [])
})

test.serial('a graph of a time that the clock has not reached is not restored', async (t) => {
  const folder = await temporaryFolder(t)
  const dataDir = join(folder, 'data')
  const service = await startService(t, { DATA_DIR: dataDir })
  await logIn(service, await newUser(service))
  await stop(service)
  const engine = await openEmbedded(dataDir)
  await engine.write('MATCH (session:Session) SET session.createdAt = $ahead', {
    ahead: Date.now() + 3_600_000,
  })
  await engine.close()
  const run = operator(t, dataDir)
  await run(['backup', join(folder, 'backup')], 0)
  t.regex((await run(['restore', join(folder, 'backup')], 1)).stderr, /this clock has not reached/)
})

test.serial('a graph that another process has open is not replaced, socket or none', async (t) => {
  const folder = await temporaryFolder(t)
  const dataDir = join(folder, 'data')
  const run = operator(t, dataDir)
  await run(['backup', join(folder, 'backup')], 0)
  const engine = await openEmbedded(dataDir)
  const { stderr } = await run(['restore', join(folder, 'backup')], 1)
  t.regex(stderr, /A process has the graph in .* open: stop it, then restore again/)
  t.deepEqual(await leftIn(dataDir), [])
  await engine.close()
  await run(['restore', join(folder, 'backup')], 0)
})

test.serial(
  'after a restore that was cut off nothing opens the graph until it was repeated',
  async (t) => {
    const folder = await temporaryFolder(t)
    const dataDir = join(folder, 'data')
    const run = operator(t, dataDir)
    await run(['user', 'add', 'ada'], 0, password)
    await run(['backup', join(folder, 'backup')], 0)
    await writeFile(join(dataDir, 'restoring'), '')
    const { stderr } = await run(['status'], 3)
    t.regex(stderr, /a restore was cut off; run "sessiongraph restore FILE" again/)
    await t.throwsAsync(startService(t, { DATA_DIR: dataDir }), {
      message: /a restore was cut off/,
    })
    await run(['restore', join(folder, 'backup')], 0)
    await run(['user', 'show', 'ada'], 0)
  },
)

test.serial('Neo4j has ways of its own, and is named them', async (t) => {
  const env = {
    NEO4J_URI: process.env.NEO4J_TEST_URI ?? 'bolt://127.0.0.1:1',
    JWT_SECRET: 'x'.repeat(32),
  }
  const restore = await runCommand(['restore', 'x'], env)
  t.is(restore.code, 1)
  t.regex(restore.stderr, /neo4j-admin database load.*docs\/operations\.md/)
  if (!process.env.NEO4J_TEST_URI) return
  const password = process.env.NEO4J_TEST_PASSWORD
  const secrets = password
    ? { NEO4J_USERNAME: process.env.NEO4J_TEST_USERNAME, NEO4J_PASSWORD: password }
    : {}
  const backup = await runCommand(['backup', 'x'], { ...env, ...secrets })
  t.is(backup.code, 1)
  t.regex(backup.stderr, /neo4j-admin database dump.*docs\/operations\.md/)
})

test.serial(
  'invalidate takes a time that is over, in a form that is the same everywhere',
  async (t) => {
    const service = await startService(t)
    const run = operator(t, service.dataDir)
    const [one, other] = [await newUser(service), await newUser(service)]
    const [token, unconcerned] = [await logIn(service, one), await logIn(service, other)]
    for (const time of [
      '2020-01-01T00:00:00Z',
      '2020-01-01',
      '1577836800000',
      '2020-01-01T00:00+01:00',
    ]) {
      await run(['invalidate', '--issued-before', time], 0)
    }
    const ahead = new Date(Date.now() + 60_000).toISOString()
    for (const time of [ahead, '2020-01-01T00:00:00', 'yesterday', '1577836800', '']) {
      const { stderr } = await run(['invalidate', '--issued-before', time], 1)
      t.regex(stderr, /Request is invalid\. Give (TIME|an instant that is over)/, time)
    }
    t.regex((await run(['invalidate'], 2)).stderr, /usage: .* invalidate --issued-before TIME/)
    await run(['invalidate', '--issued-before', 'now', '--user', 'nobody'], 1)
    await run(['invalidate', '--issued-before', 'now', '--tenant', 'none'], 1)
    t.is(await messageAbout(service, token), 'valid')

    await run(['invalidate', '--issued-before', 'now', '--user', one, '--json'], 0)
    t.is(await messageAbout(service, token), 'Token is blacklisted')
    t.is(await messageAbout(service, unconcerned), 'valid')
    t.is(await messageAbout(service, await logIn(service, one)), 'valid', 'logged in afterwards')
    await run(['invalidate', '--issued-before', 'now', '--tenant', 'default'], 0)
    t.is(await messageAbout(service, unconcerned), 'Token is blacklisted')
    const anew = await logIn(service, other)
    await run(['invalidate', '--issued-before', 'now'], 0)
    t.is(await messageAbout(service, anew), 'Token is blacklisted')
    t.is(await messageAbout(service, await logIn(service, other)), 'valid')
  },
)

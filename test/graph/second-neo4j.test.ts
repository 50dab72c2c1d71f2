import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import anyTest from 'ava'
import { type Neo4j, startNeo4j } from '../../private/neo4j.ts'
import { AuthError } from '../../src/error.ts'
import type { Engine } from '../../src/graph/engine.ts'
import { connectNeo4j } from '../../src/graph/neo4j.ts'
import { prepared } from '../../src/graph/prepared.ts'
import { prepareSchema } from '../../src/graph/schema.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'
import { everyoneContract } from '../contract/invalidate.suite.ts'
import { bearer, json } from '../support/http-client.ts'
import { runCommand, type Service, startService } from '../support/service-process.ts'
import type { Opened } from '../support/suites.ts'
import { newUsername, PASSWORD } from '../support/world.ts'

const cache = fileURLToPath(new URL('../../.neo4j', import.meta.url))
const test = process.env.NEO4J_TEST_URI ? anyTest.serial : anyTest.serial.skip

let server: Neo4j | undefined
let missing = ''

/** An engine on the Neo4j of these tests alone: empty at first, and with a password. */
function open(
  found: Neo4j,
  settings: { username?: string; password?: string; deadlineMs?: number } = {},
): Engine {
  const { uri, username, password, deadlineMs = 2_500 } = { ...found, ...settings }
  return connectNeo4j({ uri, username, password, database: 'neo4j', deadlineMs })
}

anyTest.before('a second Neo4j starts', async () => {
  const { env } = process
  if (!env.NEO4J_TEST_URI) return
  const found = await startNeo4j({ cache, env, password: 'a secret of the tests' })
  if ('missing' in found) missing = found.missing
  else server = found
})

anyTest.after.always('it stops', async () => {
  await server?.stop()
})

test('five replicas that start together on an empty database all get ready', async (t) => {
  if (!server) return t.log(`skipped: ${missing}`)
  const replicas = Array.from({ length: 5 }, () => open(server as Neo4j))
  const waits = { newId, retryMs: 100, onWait: (error: AuthError) => t.log(String(error.cause)) }
  const started = replicas.map((engine) => prepared(engine, waits))
  await t.notThrowsAsync(Promise.all(started.map(({ ready }) => ready)))
  const [row] = await (replicas[0] as Engine).read(
    'MATCH (node) WHERE node:Feed OR node:Schema OR node:Tenant RETURN count(node) AS count',
  )
  t.is(row?.count, 3, 'one of each')
  await Promise.all(replicas.map((engine) => createStore(engine).check()))
  await Promise.all(replicas.map((engine) => engine.close()))
})

test('wrong credentials, and none, are told apart from an absent database', async (t) => {
  if (!server) return t.log(`skipped: ${missing}`)
  const place = new URL(server.uri).host
  const cases = [
    [
      { password: 'another secret' },
      `Neo4j at ${place} refuses the credentials of neo4j: check NEO4J_USERNAME and NEO4J_PASSWORD`,
    ],
    [
      { username: '', password: '' },
      `Neo4j at ${place} wants credentials: set NEO4J_USERNAME and NEO4J_PASSWORD`,
    ],
  ] as const
  for (const [settings, reason] of cases) {
    const engine = open(server, settings)
    const error = await t.throwsAsync(engine.read('RETURN 1'), { instanceOf: AuthError })
    t.is(error.code, 'service_unavailable')
    t.is((error.cause as Error).message, reason)
    await engine.close()
  }
  const good = open(server)
  await t.notThrowsAsync(good.read('RETURN 1'), 'nobody else is locked out')
  await good.close()
})

let opened: Opened | undefined

async function openPrepared(found: Neo4j): Promise<Opened> {
  const engine = open(found, { deadlineMs: 20_000 })
  await prepareSchema(engine, newId)
  return { engine, store: createStore(engine) }
}

anyTest.after('its engine is closed', () => opened?.engine.close())

// It ends the sessions of everyone, so it cannot run where other tests do.
everyoneContract(
  (title, body) => {
    test(title, async (t) => {
      if (!server) return t.log(`skipped: ${missing}`)
      opened ??= await openPrepared(server)
      await body(t)
    })
  },
  () => opened as Opened,
)

/** The answer, once the server has planned what it is asked for the first time. */
async function ask(service: Service, ...[method, path, sending]: Parameters<Service['request']>) {
  for (;;) {
    const answer = await service.request(method, path, sending)
    if (answer.status !== 503) return answer
    await delay(100)
  }
}

test('two processes: everyone is out within the bound, and who logs in anew is in', async (t) => {
  if (!server) return t.log(`skipped: ${missing}`)
  const { uri, username, password } = server
  const env = {
    NEO4J_URI: uri,
    NEO4J_USERNAME: username,
    NEO4J_PASSWORD: password,
    JWT_SECRET: 'shared by the replicas of these tests',
  }
  const replicas = await Promise.all([startService(t, env), startService(t, env)])
  const user = json({ username: newUsername(), password: PASSWORD })
  for (const replica of replicas) await replica.ready()
  const [one, other] = replicas
  await ask(one, 'POST', '/auth/user', user)
  const granted = await ask(one, 'POST', '/auth', user)
  const refreshed = await ask(one, 'PATCH', '/auth', bearer(String(granted.json.token)))
  const tokens = [granted, refreshed].map((answer) => String(answer.json.token))
  for (const token of tokens) t.is((await ask(other, 'GET', '/auth', bearer(token))).status, 200)
  const { epoch } = (await other.request('GET', '/readyz?verbose')).json

  const ran = await runCommand(['invalidate', '--issued-before', 'now', '--json'], env)
  t.is(ran.code, 0, ran.stderr)
  t.true(JSON.parse(ran.stdout).before <= Date.now())
  await delay(1_000)
  for (const replica of replicas) {
    for (const token of tokens) {
      const answer = await ask(replica, 'GET', '/auth', bearer(token))
      t.is(answer.json.message, 'Token is blacklisted')
    }
    t.not((await replica.request('GET', '/readyz?verbose')).json.epoch, epoch)
  }
  const anew = await ask(other, 'POST', '/auth', user)
  t.is((await ask(one, 'GET', '/auth', bearer(String(anew.json.token)))).status, 200)
})

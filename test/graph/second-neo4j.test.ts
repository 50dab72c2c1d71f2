import { fileURLToPath } from 'node:url'
import anyTest from 'ava'
import { type Neo4j, startNeo4j } from '../../private/neo4j.ts'
import { AuthError } from '../../src/error.ts'
import type { Engine } from '../../src/graph/engine.ts'
import { connectNeo4j } from '../../src/graph/neo4j.ts'
import { prepared } from '../../src/graph/prepared.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'

const cache = fileURLToPath(new URL('../../.neo4j', import.meta.url))
const test = process.env.NEO4J_TEST_URI ? anyTest.serial : anyTest.serial.skip

let server: Neo4j | undefined
let missing = ''

/** An engine on the Neo4j of these tests alone: empty at first, and with a password. */
function open(found: Neo4j, settings: { username?: string; password?: string } = {}): Engine {
  const { uri, username, password } = { ...found, ...settings }
  return connectNeo4j({ uri, username, password, database: 'neo4j', deadlineMs: 2_500 })
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

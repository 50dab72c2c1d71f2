import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { startNeo4j, type Way } from '../../private/neo4j.ts'
import { freePort, waitForBolt } from '../../private/neo4j-bolt.ts'
import { startFromMaven } from '../../private/neo4j-maven.ts'

const java = (version: string) => `echo 'openjdk version "${version}"' >&2`

test('says what each way to a server lacks', async (t) => {
  const ways: Way[] = [
    async () => ({ missing: 'no Docker engine answers' }),
    async () => ({ missing: 'Maven is not installed' }),
  ]
  const found = await startNeo4j({ cache: '', env: {} }, ways)
  t.deepEqual(found, { missing: 'no Docker engine answers; Maven is not installed' })
})

test('does not look further once a way leads to a server', async (t) => {
  const server = { how: 'docker', uri: 'bolt://127.0.0.1:1', username: '', password: '' } as const
  const ended = Promise.resolve()
  const first: Way = async () => ({ ...server, version: '', ended, async stop() {} })
  const second: Way = async () => t.fail('the second way was taken') as never
  t.like(await startNeo4j({ cache: '', env: {} }, [first, second]), server)
})

test('names a Java that is absent, too old, or without Maven', async (t) => {
  t.is(await lacks(t, {}), 'Java 17 or newer is not installed')
  t.is(await lacks(t, { java: java('1.8.0_412') }), 'Java is 8, 17 or newer is needed')
  t.is(await lacks(t, { java: java('11.0.27') }), 'Java is 11, 17 or newer is needed')
  t.is(await lacks(t, { java: java('21') }), 'Maven is not installed')
})

test('tells in one line of a download that fails, and leaves nothing to start from', async (t) => {
  const mvn =
    '[ "$1" = -version ] && exit; echo "[ERROR] No such host"; echo "[ERROR] Help"; exit 1'
  const cache = await temporaryFolder(t)
  const missing = await lacks(t, { java: java('21.0.1'), mvn }, cache)
  t.regex(missing, /^Maven could not download Neo4j 5\.26\.\d+ \(No such host\)$/)
  t.deepEqual(await readdir(cache), [])
})

test('refuses a port that is taken before it starts anything', async (t) => {
  const port = await freePort()
  const holder = createServer().listen(port, '127.0.0.1')
  t.teardown(() => holder.close())
  await t.throwsAsync(startNeo4j({ port, cache: '', env: {} }, []), {
    message: `Port ${port} is taken: end what listens there, or choose another port`,
  })
})

test('waits for Bolt no longer than told', async (t) => {
  const address = { uri: `bolt://127.0.0.1:${await freePort()}`, username: '', password: '' }
  await t.throwsAsync(waitForBolt(address, 1), {
    message: `${address.uri} did not answer within 0.001 s`,
  })
  const gone = AbortSignal.abort(new Error('its process ended'))
  await t.throwsAsync(waitForBolt(address, 60_000, gone), { message: 'its process ended' })
})

const { NEO4J_TEST_URI: uri, NEO4J_TEST_USERNAME, NEO4J_TEST_PASSWORD } = process.env
if (uri) {
  test('Neo4j: waits for Bolt until a query is answered', async (t) => {
    const address = {
      uri,
      username: NEO4J_TEST_USERNAME ?? '',
      password: NEO4J_TEST_PASSWORD ?? '',
    }
    t.regex(await waitForBolt(address, 10_000), /^Neo4j\/\d/)
  })
}

/** What the way over Maven lacks where nothing is installed but these shell scripts. */
async function lacks(
  t: ExecutionContext,
  programs: Record<string, string>,
  cache?: string,
): Promise<string> {
  const path = await temporaryFolder(t)
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(path, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(path, name), 0o755)
  }
  const found = await startFromMaven({ cache: cache ?? path, env: { PATH: path } })
  return 'missing' in found ? found.missing : `nothing: it started ${found.uri}`
}

async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'neo4j-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

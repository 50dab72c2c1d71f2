import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exitCodeOf, type Interrupt, onInterrupt } from '../private/interrupt.ts'
import { type Missing, type Neo4j, startNeo4j } from '../private/neo4j.ts'
import { waitForBolt } from '../private/neo4j-bolt.ts'
import type { Counts } from './ava.config.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const avaCommand = fileURLToPath(new URL('cli.js', import.meta.resolve('ava')))
const { env } = process

const WAYS =
  'start Docker, or install Java 17 or newer and Maven, or set NEO4J_TEST_URI to a running server'

const stopping = new AbortController()
let ava: ChildProcess | undefined
let interrupt: Interrupt | undefined
onInterrupt((name) => {
  interrupt = name
  stopping.abort()
  ava?.kill(name)
})

// Connections that a library keeps open would hold the process.
process.exit(await run())

async function run(): Promise<number> {
  let neo4j: Neo4j | undefined
  try {
    const found = await findNeo4j()
    if (!('missing' in found)) neo4j = found
    else if (isCi()) throw new Error(`CI runs need a Neo4j (${found.missing}): ${WAYS}`)
    console.log(describe(found))
  } catch (error) {
    console.error(interrupt ? `Interrupted by ${interrupt}` : messageOf(error))
    return interrupt ? exitCodeOf(interrupt) : 1
  }
  const [code, counts] = await runAva(neo4j)
  await neo4j?.stop().catch((error) => console.error(messageOf(error)))
  return conclude(code, counts)
}

async function findNeo4j(): Promise<Neo4j | Missing> {
  const { NEO4J_TEST_URI: uri, NEO4J_TEST_USERNAME, NEO4J_TEST_PASSWORD } = env
  const { signal } = stopping
  if (!uri) return startNeo4j({ cache: join(root, '.neo4j'), env, signal, log: console.log })
  const username = NEO4J_TEST_USERNAME ?? 'neo4j'
  const address = { uri, username, password: NEO4J_TEST_PASSWORD ?? '' }
  const version = await waitForBolt(address, 10_000, signal).catch((error) => {
    throw new Error(`NEO4J_TEST_URI: ${messageOf(error)}; start that server, or unset the variable`)
  })
  return { how: 'uri', ...address, version, ended: new Promise(() => {}), async stop() {} }
}

function describe(found: Neo4j | Missing): string {
  if ('missing' in found) {
    return `skipped: everything on Neo4j. To include it, ${WAYS} (${found.missing})`
  }
  const sources = {
    uri: 'named by NEO4J_TEST_URI',
    docker: 'in Docker',
    maven: 'on Java, by Maven',
  }
  return `${found.version} at ${found.uri}, ${sources[found.how]}`
}

/** Runs ava on this terminal; resolves to its exit code and what it counted last. */
async function runAva(neo4j: Neo4j | undefined): Promise<[number, Counts]> {
  let counts: Counts = { passed: 0, failed: 0, skipped: 0, done: false }
  if (interrupt) return [1, counts]
  const config = ['--config', join(root, 'test', 'ava.config.ts')]
  ava = spawn(process.execPath, [avaCommand, ...config, ...process.argv.slice(2)], {
    cwd: root,
    env: {
      ...env,
      ...(neo4j && {
        NEO4J_TEST_URI: neo4j.uri,
        NEO4J_TEST_USERNAME: neo4j.username,
        NEO4J_TEST_PASSWORD: neo4j.password,
      }),
    },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  ava.on('message', (message: Counts) => {
    counts = message
  })
  const [code] = await once(ava, 'close')
  return [code ?? 1, counts]
}

/** Prints the last line; the run succeeds only if ava does and something was tested. */
function conclude(code: number, { passed, failed, skipped, done }: Counts): number {
  let failures = failed
  if (interrupt) console.log(`Interrupted by ${interrupt}: what had not ended counts as failed`)
  else if (!done) console.log(`ava gave up with exit code ${code}`)
  else if (passed + failed === 0) console.log('No test was executed')
  if (code !== 0 || !done || passed + failed === 0) failures = Math.max(failed, 1)
  console.log(`${passed} passed, ${failures} failed${skipped ? `, ${skipped} skipped` : ''}`)
  if (interrupt) return exitCodeOf(interrupt)
  return code || (failures ? 1 : 0)
}

function isCi(): boolean {
  return !['', '0', 'false', undefined].includes(env.CI)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

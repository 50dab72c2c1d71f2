import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { onInterrupt } from './interrupt.ts'
import { startNeo4j } from './neo4j.ts'
import { keptSecret } from './secret.ts'

const home = fileURLToPath(new URL('../.neo4j', import.meta.url))

const stopping = new AbortController()
onInterrupt(() => stopping.abort())

// Connections that a library keeps open would hold the process.
process.exit(await main().catch(report))

async function main(): Promise<number> {
  const port = portFrom(process.argv.slice(2))
  const password = await keptPassword()
  const secret = await keptSecret(home, randomBytes)
  const { env } = process
  const options = { home, port, password, cache: home, env, signal: stopping.signal }
  const neo4j = await startNeo4j({ ...options, log: console.log })
  if ('missing' in neo4j) {
    throw new Error(`${neo4j.missing}: start Docker, or install Java 17 or newer and Maven`)
  }
  console.log(`${neo4j.version} keeps its data in ${join(home, 'data')}. Ctrl-C stops it.
In another terminal, to start the service on it:

export NEO4J_URI=${neo4j.uri}
export NEO4J_USERNAME=${neo4j.username}
export NEO4J_PASSWORD=${neo4j.password}
export JWT_SECRET=${secret}
npm start
`)
  stopping.signal.addEventListener('abort', () => neo4j.stop().catch(report))
  if (stopping.signal.aborted) await neo4j.stop()
  await neo4j.ended
  await neo4j.stop()
  if (!stopping.signal.aborted) throw new Error('Neo4j ended by itself: start it again')
  return 0
}

function portFrom(args: string[]): number {
  const { values } = parseArgs({ args, options: { port: { type: 'string', default: '7687' } } })
  const port = Number(values.port)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new Error(`--port ${values.port} is no port: give a number from 1 to 65535`)
}

/** A password of its own, since Docker publishes the port on every interface; kept with the data. */
async function keptPassword(): Promise<string> {
  const file = join(home, 'data', 'password')
  await mkdir(join(home, 'data'), { recursive: true })
  const password = randomBytes(12).toString('base64url')
  await writeFile(file, password, { flag: 'wx', mode: 0o600 }).catch((error) => {
    if (error.code !== 'EEXIST') throw error
  })
  return readFile(file, 'utf8')
}

function report(error: unknown): number {
  if (stopping.signal.aborted) return 0
  console.error(error instanceof Error ? error.message : String(error))
  return 1
}

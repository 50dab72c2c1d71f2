import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { residentBytes, startChild, untilReady } from '../bench/child.ts'
import { type Connection, openConnection } from '../bench/load/connection.ts'
import { freePort } from '../private/neo4j-bolt.ts'
import { secretFor } from './secrets.ts'

/** How the memory of one process goes while it serves. */
export interface Soaked {
  requests: number
  seconds: number
  /** After each part of the requests. */
  samples: { requests: number; bytes: number }[]
  /** Fitted to the second half, since the first fills what is bounded. */
  bytesPerMillion: number
}

interface SoakOptions {
  root: string
  signal: AbortSignal
  say(line: string): void
  /** 1,000,000 unless less is wanted. */
  most?: number
}

const CONNECTIONS = 32
const SAMPLES = 50
/** A session is refreshed and ended after so many verifies, and another opened. */
const VERIFIES = 47
const MOST_MS = 300_000
const USER = { username: 'soaked', password: secretFor('soak', 'user') }

/** A million requests to one process on the embedded graph, without faults: verify mostly. */
export async function soak({ root, signal, say, most = 1_000_000 }: SoakOptions): Promise<Soaked> {
  const folder = await mkdtemp(join(tmpdir(), 'sessiongraph-soak-'))
  const port = await freePort()
  const service = startChild(process.execPath, [join(root, 'bin', 'sessiongraph.js'), 'serve'], {
    DATA_DIR: folder,
    PORT: String(port),
    BCRYPT_COST: '4',
    TOKEN_TTL_SECONDS: '10',
    SESSION_TTL_SECONDS: '60',
    PRUNE_SCHEDULE: '*/5 * * * * *',
    CHECKED_TOKENS_MAX: '1000',
    KNOWN_TOKENS_MAX: '1000',
    LOG_LEVEL: 'warn',
  })
  const samples: Soaked['samples'] = []
  const begun = performance.now()
  let sent = 0

  async function ask(connection: Connection, method: string, path: string, more: string) {
    sent += 1
    const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`
    const { status, body } = await connection.send(`${head}${more}`)
    if (status > 201) throw new Error(`the soak was answered with ${status}: ${body}`)
    return JSON.parse(body) as { token: string }
  }

  async function serveOne(connection: Connection): Promise<void> {
    let { token } = await ask(connection, 'POST', '/auth', withBody(USER))
    for (let i = 0; i < VERIFIES; i += 1) await ask(connection, 'GET', '/auth', bearer(token))
    token = (await ask(connection, 'PATCH', '/auth', bearer(token))).token
    await ask(connection, 'DELETE', '/auth', bearer(token))
  }

  function isOver(): boolean {
    return sent >= most || signal.aborted || performance.now() - begun > MOST_MS
  }

  async function work(): Promise<void> {
    const connection = await openConnection('127.0.0.1', port)
    while (!isOver()) {
      await serveOne(connection)
      if (sent < (samples.length + 1) * (most / SAMPLES)) continue
      const sample = { requests: sent, bytes: 0 }
      samples.push(sample)
      sample.bytes = await residentBytes(service.pid)
      say(`soak: ${sent} of ${most} requests`)
    }
    connection.close()
  }

  try {
    await untilReady(service, `http://127.0.0.1:${port}/readyz`, true)
    const first = await openConnection('127.0.0.1', port)
    await ask(first, 'POST', '/auth/user', withBody(USER))
    first.close()
    await Promise.all(Array.from({ length: CONNECTIONS }, work))
  } finally {
    await service.stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  const seconds = (performance.now() - begun) / 1000
  return { requests: sent, seconds, samples, bytesPerMillion: slope(samples) * 1e6 }
}

/** Bytes a request, by least squares over the second half. */
function slope(all: Soaked['samples']): number {
  const samples = all.slice(Math.floor(all.length / 2))
  const mean = (numbers: number[]) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length
  const x = mean(samples.map(({ requests }) => requests))
  const y = mean(samples.map(({ bytes }) => bytes))
  const over = samples.map(({ requests, bytes }) => (requests - x) * (bytes - y))
  const under = samples.map(({ requests }) => (requests - x) ** 2)
  return under.length < 2 ? 0 : mean(over) / mean(under)
}

function bearer(token: string): string {
  return `Authorization: Bearer ${token}\r\n\r\n`
}

function withBody(body: object): string {
  const text = JSON.stringify(body)
  const length = Buffer.byteLength(text)
  return `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${text}`
}

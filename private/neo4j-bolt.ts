import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import neo4j from 'neo4j-driver'
import type { Neo4j } from './neo4j.ts'

/** How long a server that was just started may take to answer, in ms: a cold one needs about 8 s. */
export const START_TIMEOUT_MS = 90_000

/**
 * Resolves to the server's name and version once it answers a query. Rejects when it refuses the
 * password, when `within` ms have passed, and with a signal's reason when that is aborted first.
 */
export async function waitForBolt(
  { uri, username, password }: Pick<Neo4j, 'uri' | 'username' | 'password'>,
  within: number,
  ...signals: (AbortSignal | undefined)[]
): Promise<string> {
  const deadline = performance.now() + within
  const driver = neo4j.driver(uri, neo4j.auth.basic(username, password), {
    connectionTimeout: 2_000,
    connectionAcquisitionTimeout: 4_000,
    maxTransactionRetryTime: 0,
  })
  try {
    for (;;) {
      for (const signal of signals) signal?.throwIfAborted()
      try {
        const { summary } = await driver.executeQuery('RETURN 1')
        return summary.server.agent ?? 'Neo4j'
      } catch (error) {
        if (isRefusal(error)) throw new Error(`${uri} refuses the password of ${username}`)
        if (performance.now() > deadline) {
          throw new Error(`${uri} did not answer within ${within / 1000} s`)
        }
        await setTimeout(200)
      }
    }
  } finally {
    await driver.close()
  }
}

/** Resolves to a port of 127.0.0.1 that nothing listens on. */
export function freePort(): Promise<number> {
  return listenOn(0)
}

/** Rejects, saying what to do, if nothing can listen on the port of 127.0.0.1. */
export async function requireFreePort(port: number): Promise<void> {
  await listenOn(port).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${error.message})`
    throw new Error(`Port ${port} ${why}: end what listens there, or choose another port`)
  })
}

async function listenOn(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: bound } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return bound
}

function isRefusal(error: unknown): boolean {
  return error instanceof neo4j.Neo4jError && error.code === 'Neo.ClientError.Security.Unauthorized'
}

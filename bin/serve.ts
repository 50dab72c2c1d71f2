import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import type { Logger } from 'pino'
import type { Config } from '../private/config.ts'
import { keptSecret } from '../private/secret.ts'
import { openEmbedded } from '../src/graph/embedded.ts'
import type { Engine } from '../src/graph/engine.ts'
import { connectNeo4j } from '../src/graph/neo4j.ts'
import { prepared } from '../src/graph/prepared.ts'
import { createStore } from '../src/graph/store.ts'
import { createApp } from '../src/http/app.ts'
import { createHttpServer } from '../src/http/server.ts'
import { newId } from '../src/id.ts'
import { createKeyRing } from '../src/keys.ts'
import { createPasswordHasher } from '../src/password.ts'
import { createQueue } from '../src/queue.ts'
import { createService } from '../src/service/service.ts'
import type { Store } from '../src/store.ts'
import { createTokenText } from '../src/token-text.ts'
import { createLog } from './log.ts'
import { drain, onStopSignal } from './stop.ts'

/** How long one statement may take in all: every request is answered within 3 s. */
const STATEMENT_MS = 2_500
const HASH_WAIT_MS = 1_000

/** Runs the service until a signal stops it. Throws, before the port is opened, what it cannot mend. */
export async function serve(config: Config): Promise<void> {
  const log = createLog(config.logLevel)
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a defect: please report it')
    process.exit(1)
  })

  const graph = await openGraph(config)
  const { engine, ready } = prepared(graph, {
    newId,
    retryMs: 1_000,
    onWait: (error) =>
      log.warn({ reason: reasonOf(error) }, `waiting for the ${graph.description}`),
  })
  const store = createStore(engine)
  if (config.neo4jUri === '') await ready
  else ready.catch((error: Error) => fail(log, error))

  const draining = new AbortController()
  const app = createApp({
    auth: createService(await toolsOf(config, store)),
    readiness: () => notReady(store, draining.signal),
    log,
    newId,
    rules: { tokenInQuery: config.tokenInQuery },
  })
  const server = createHttpServer(app.callback())
  await listen(server, config)
  greet(log, server.address() as AddressInfo, graph)

  onStopSignal(process, () => {
    log.info('stopping')
    draining.abort()
    drain(server, config.shutdownSeconds * 1000)
      .then((clean) => clean || log.warn('cut off what was still running'))
      .then(() => Promise.race([store.close(), later(1_000)]))
      .then(() => log.info('stopped'))
      .finally(() => process.exit(0))
  })
}

async function openGraph(config: Config): Promise<Engine> {
  if (config.neo4jUri === '') return openEmbedded(config.dataDir)
  return connectNeo4j({
    uri: config.neo4jUri,
    username: config.neo4jUsername,
    password: config.neo4jPassword,
    database: config.neo4jDatabase,
    deadlineMs: STATEMENT_MS,
  })
}

async function toolsOf(config: Config, store: Store) {
  const ring = createKeyRing(config.jwtSecret || (await keptSecret(config.dataDir, randomBytes)))
  const { jwtIssuer: issuer, jwtAudience: audience } = config
  return {
    store,
    ring,
    newId,
    tokenText: createTokenText({ ring, issuer, audience }),
    hasher: createPasswordHasher({
      cost: config.bcryptCost,
      pepper: config.passwordPepper,
      queue: createQueue(hashesAtOnce(), HASH_WAIT_MS),
    }),
    rules: {
      tokenSeconds: config.tokenTtlSeconds,
      sessionSeconds: config.sessionTtlSeconds,
      graceSeconds: config.refreshGraceSeconds,
      reuseDetection: config.reuseDetection,
      hideUnknownUsers: config.hideUnknownUsers,
      requireCurrentPassword: config.requireCurrentPassword,
    },
  }
}

// A core stays free for verify, and a thread of libuv's pool (4 unless set) for name look-ups: a flood
// of log-ins must not keep the service from its database.
function hashesAtOnce(): number {
  const threads = Number(process.env.UV_THREADPOOL_SIZE) || 4
  return Math.max(1, Math.min(availableParallelism() - 1, threads - 1))
}

async function notReady(store: Store, draining: AbortSignal): Promise<string[]> {
  const reasons = draining.aborted ? ['The service is stopping.'] : []
  try {
    await store.check()
  } catch (error) {
    reasons.push(`The graph does not answer: ${reasonOf(error)}`)
  }
  return reasons
}

function reasonOf(error: unknown): string {
  const { cause, message, detail } = error as Error & { detail?: string }
  return cause instanceof Error ? cause.message : (detail ?? message)
}

function listen(
  server: ReturnType<typeof createHttpServer>,
  { host, port }: Config,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is in use' : error.message
      reject(
        new Error(`cannot listen on ${host} port ${port}: ${why}; set HOST or PORT to another`),
      )
    })
    server.listen(port, host, resolve)
  })
}

function greet(log: Logger, { address, family, port }: AddressInfo, graph: Engine): void {
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  log.info(`listening on ${url}`)
  log.info(`graph: ${graph.description}`)
  log.info(`try: curl -d username=ada -d 'password=correct horse' ${url}/auth/user`)
}

function fail(log: Logger, error: Error): void {
  log.fatal({ err: error }, error.message)
  process.exit(1)
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { Config } from '../private/config.ts'
import type { Engine } from '../src/graph/engine.ts'
import { prepared } from '../src/graph/prepared.ts'
import { createStore } from '../src/graph/store.ts'
import { createApp } from '../src/http/app.ts'
import { createRequestIds } from '../src/http/request-id.ts'
import { createHttpServer } from '../src/http/server.ts'
import { takeShortWay } from '../src/http/short-way.ts'
import { newId } from '../src/id.ts'
import { createOperator } from '../src/service/operate.ts'
import { createRemembering } from '../src/service/remembering.ts'
import { createRecall, createService } from '../src/service/service.ts'
import type { Store } from '../src/store.ts'
import { assembleTools, openGraph } from './assemble.ts'
import { createLog } from './log.ts'
import { schedulePrune } from './prune-cron.ts'
import { openSocket } from './socket.ts'
import { createDrain, onStopSignal } from './stop.ts'

/** Runs the service until a signal stops it. Throws, before the port is opened, what it cannot mend. */
export async function serve(config: Config): Promise<void> {
  const log = createLog(config.logLevel)
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a defect: please report it')
    process.exit(1)
  })

  // From the first moment on: as the first process of a container it has no default for a signal.
  let stop = async (): Promise<void> => log.info('stopped')
  onStopSignal(process, () => stop().finally(() => process.exit(0)))

  const graph = await openGraph(config, {
    onAway: (reason) => log.warn({ reason }, 'the graph cannot be used'),
    onBack: (awayMs) => log.info({ awayMs: Math.round(awayMs) }, 'the graph can be used'),
  })
  const { engine, ready } = prepared(graph, {
    newId,
    retryMs: 500,
    onWait: (error) =>
      log.warn({ reason: reasonOf(error) }, `waiting for the ${graph.description}`),
  })
  const remembering = createRemembering(createStore(engine), {
    pollMs: config.blacklistPollMs,
    maxStalenessMs: config.blacklistMaxStalenessMs,
    mostEntries: config.blacklistMaxEntries,
    mostKnown: config.knownTokensMax,
    onFailure: (error) => log.debug({ reason: reasonOf(error) }, 'the feed was not read'),
  })
  const { store, follower } = remembering
  if (config.neo4jUri === '') await ready
  else ready.catch((error: Error) => fail(log, error))

  const draining = new AbortController()
  const tools = { ...(await assembleTools(config, store)), paths: remembering.paths }
  const operator = createOperator(tools)
  const requestIds = createRequestIds(newId)
  const app = createApp({
    auth: createService(tools),
    readiness: () => notReady(store, draining.signal),
    log,
    requestIds,
    rules: { tokenInQuery: config.tokenInQuery },
  })
  const server = createHttpServer(
    takeShortWay({ recall: createRecall(tools), log, requestIds, listener: app.callback() }),
  )
  const drain = createDrain(server)
  follower.start()
  await listen(server, config)
  const cron = schedulePrune(config.pruneSchedule, operator, log)
  const socket =
    config.neo4jUri === '' ? await openSocket(config.dataDir, operator, log) : undefined

  stop = async () => {
    log.info('stopping')
    draining.abort()
    const clean = await drain(config.shutdownSeconds * 1000)
    if (!clean) log.warn('cut off what was still running')
    await Promise.race([
      Promise.all([cron.stop(), socket?.close(), follower.stop()]).then(() => store.close()),
      later(1_000),
    ])
    log.info('stopped')
  }
  greet(log, server.address() as AddressInfo, graph)
}

async function notReady(store: Store, draining: AbortSignal): Promise<string[]> {
  const reasons = draining.aborted ? ['The service is stopping.'] : []
  try {
    await store.check()
  } catch (error) {
    reasons.push(`The graph cannot be used: ${reasonOf(error)}`)
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

import type { Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import about from '../package.json' with { type: 'json' }
import { asksCallers, type Config, settings } from '../private/config.ts'
import { readTls } from '../private/tls.ts'
import type { Audit } from '../src/audit.ts'
import type { Code } from '../src/error.ts'
import { createApp } from '../src/http/app.ts'
import { createDoor } from '../src/http/door.ts'
import type { Readiness } from '../src/http/health.ts'
import { createMetrics, type Readings } from '../src/http/metrics.ts'
import { createRequestIds } from '../src/http/request-id.ts'
import { createHttpServer } from '../src/http/server.ts'
import { shortAnswer, takeShortWay } from '../src/http/short-way.ts'
import { newId } from '../src/id.ts'
import { pause } from '../src/pause.ts'
import { createDirectory } from '../src/service/directory.ts'
import { createCallerAuth } from '../src/service/identify-caller.ts'
import {
  createFirstSight,
  createRecall,
  createService,
  type Tools,
} from '../src/service/service.ts'
import { type Networks, parseNetworks, sourceOf } from '../src/source.ts'
import { assembleTools } from './assemble.ts'
import { openAuditLog } from './audit-log.ts'
import { type Followed, reasonOf } from './follow.ts'
import { followKeys } from './follow-keys.ts'
import { buildReadings, servingReadings } from './readings.ts'
import { createDrain } from './stop.ts'
import { followTls } from './tls.ts'
import { yieldPool } from './yield-pool.ts'

/** Every request is answered within 3 s. */
const ANSWER_MS = 2_800
const METRICS_PATH = '/metrics'
/** The least cost of a hash that OWASP asks for. */
const LEAST_COST = 10

interface Serving {
  tools: Tools
  audit: Audit
  address: AddressInfo
  /** Drains, ends what works beside, and lets go of the graph. */
  stop(endBeside: () => Promise<void>): Promise<void>
}

interface ToServe {
  config: Config
  log: Logger
  followed: Followed
  /** Further figures for /metrics. */
  readings?: Readings
  /** Where this process alone does not make the whole of /metrics. */
  exposition?(registry: Registry): () => Promise<string>
}

/** Serves HTTP over a followed graph. Throws when it cannot listen. */
export async function serveHttp({
  config,
  log,
  followed,
  readings = {},
  exposition,
}: ToServe): Promise<Serving> {
  const { store, paths } = followed
  const tools = { ...(await assembleTools(config, store)), paths }
  await yieldPool()
  const door = asksCallers(config)
    ? createDoor(createCallerAuth(tools, { monotonic: () => performance.now() }))
    : undefined
  const draining = new AbortController()
  const tls = readTls(config)
  const requestIds = createRequestIds(newId)
  const metrics = createMetrics({
    ...buildReadings(about.version),
    ...servingReadings(followed, tools),
    ...readings,
  })
  const audit = openAuditLog(config.auditLog, log)
  // Without a file to open anew, the signal keeps its meaning: the terminal is gone.
  if (config.auditLog.includes('/')) process.on('SIGHUP', audit.reopen)
  const trustedProxies = parseNetworks(config.trustedProxies) as Networks
  const hasOwnPort = config.metricsPort !== 0
  const parts = {
    auth: createService(tools),
    directory: createDirectory(tools),
    door,
    audit,
    trustedProxies,
    publicKeys: tools.ring.publicKeys,
    readiness: () => readinessOf(followed, draining.signal),
    log,
    requestIds,
    metrics,
    exposition: exposition?.(metrics.registry) ?? (() => metrics.registry.metrics()),
    rules: { tokenInQuery: config.tokenInQuery },
    deadlineMs: ANSWER_MS,
  }
  const app = createApp({ ...parts, shows: (path) => !hasOwnPort || path !== METRICS_PATH })
  const limits = {
    maxConnections: config.maxConnections,
    onRefused: (code: Code, _status: number, socket: Socket) =>
      audit.write({
        event: 'request',
        result: 'refused',
        code,
        source: sourceOf(socket.remoteAddress, undefined, trustedProxies),
      }),
  }
  const server = createHttpServer(
    takeShortWay({
      door,
      recall: createRecall(tools, shortAnswer),
      firstSight: createFirstSight(tools, shortAnswer),
      log,
      metrics,
      requestIds,
      listener: app.callback(),
    }),
    { ...limits, ...(tls && { tls }) },
  )
  logDropped(server, config, log)
  const drain = createDrain(server)
  await listen(server, config, 'port')
  const leaveTls = tls ? followTls(config, server as SecureServer, log) : () => undefined
  const watched = hasOwnPort
    ? createHttpServer(
        createApp({ ...parts, shows: (path) => path === METRICS_PATH }).callback(),
        limits,
      )
    : undefined
  if (watched) await listen(watched, config, 'metricsPort')
  const keys = followKeys({ path: config.jwtKeysFile, ring: tools.ring, paths, log })
  return {
    tools,
    audit,
    address: server.address() as AddressInfo,
    async stop(endBeside) {
      draining.abort()
      leaveTls()
      keys.stop()
      const clean = await drain(config.shutdownSeconds * 1000)
      if (!clean) log.warn('cut off what was still running')
      watched?.close()
      watched?.closeAllConnections()
      await Promise.race([endBeside().then(() => store.close()), pause(1_000)])
    },
  }
}

/** Says where it listens, over which graph, and what to try first. */
export function greet(
  log: Logger,
  { address, family, port }: AddressInfo,
  graph: string,
  config: Config,
): void {
  const scheme = config.tlsCertFile === '' ? 'http' : 'https'
  const url = `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  if (config.bcryptCost < LEAST_COST) {
    log.warn(
      `BCRYPT_COST=${config.bcryptCost}: whoever reads the graph tries passwords fast; set ${LEAST_COST} or more`,
    )
  }
  const key = asksCallers(config) ? `-H "X-Api-Key: $KEY" ` : ''
  log.info(`listening on ${url}`)
  log.info(`graph: ${graph}`)
  log.info(`try: curl ${key}-d username=ada -d 'password=correct horse' ${url}/auth/user`)
}

async function readinessOf(
  { store, follower, checked, known }: Followed,
  draining: AbortSignal,
): Promise<Readiness> {
  const reasons = draining.aborted ? ['The service is stopping.'] : []
  try {
    await store.check()
  } catch (error) {
    reasons.push(`The graph cannot be used: ${reasonOf(error)}`)
  }
  const { mode, seq, epoch, ageMs, entries } = follower.status()
  const age = Number.isFinite(ageMs) ? Math.round(ageMs) : null
  const sizes = { entries, checkedTokens: checked.size, knownTokens: known.size }
  return { reasons, details: { mode, seq, epoch, ageMs: age, ...sizes } }
}

/** A line a second at the most says that connections are refused. */
function logDropped(server: Server, { maxConnections }: Config, log: Logger): void {
  let dropped = 0
  server.on('drop', () => {
    dropped += 1
    if (dropped > 1) return
    setTimeout(() => {
      log.warn({ dropped, maxConnections }, 'connections were closed as they came')
      dropped = 0
    }, 1_000).unref()
  })
}

function listen(server: Server, config: Config, setting: 'port' | 'metricsPort'): Promise<void> {
  const { host, [setting]: port } = config
  const variable = settings[setting].variable
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is in use' : error.message
      reject(
        new Error(
          `cannot listen on ${host} port ${port}: ${why}; set HOST or ${variable} to another`,
        ),
      )
    })
    server.listen(port, host, resolve)
  })
}

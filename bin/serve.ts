import cluster from 'node:cluster'
import type { Logger } from 'pino'
import type { Config } from '../private/config.ts'
import { readTls } from '../private/tls.ts'
import { pause } from '../src/pause.ts'
import { createOperator } from '../src/service/operate.ts'
import { auditOperator } from './audit-operator.ts'
import { warnAboutCallers } from './callers.ts'
import { followFirst, followGraph } from './follow.ts'
import { createLog } from './log.ts'
import { newPruneCounts, schedulePrune } from './prune-cron.ts'
import { pruneReadings } from './readings.ts'
import { greet, serveHttp } from './serve-http.ts'
import { openSocket } from './socket.ts'
import { onStopSignal } from './stop.ts'
import { receiveLooks, supervise } from './supervise.ts'
import { askFirst } from './worker-metrics.ts'

/** How long a worker waits for its graph before it takes its share of requests all the same. */
const READY_MS = 3_000

/** Runs the service until a signal stops it. Throws, before the port is opened, what it cannot mend. */
export async function serve(config: Config): Promise<void> {
  readTls(config)
  const log = createLog(config.logLevel)
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a defect: please report it')
    process.exit(1)
  })
  // From the first moment on: as the first process of a container it has no default for a signal.
  let stop = async (): Promise<void> => undefined
  onStopSignal(process, () => {
    if (cluster.isPrimary) log.info('stopping')
    stop()
      .then(() => cluster.isPrimary && log.info('stopped'))
      .finally(() => process.exit(0))
  })
  if (cluster.isWorker) stop = await serveAsWorker(config, log)
  else if (config.workers > 1) stop = await supervise(config, log)
  else stop = await serveAlone(config, log)
}

async function serveAlone(config: Config, log: Logger): Promise<() => Promise<void>> {
  const followed = await followGraph(config, log)
  followed.follower.start()
  const counts = newPruneCounts()
  const readings = pruneReadings(counts)
  const { tools, audit, address, stop } = await serveHttp({ config, log, followed, readings })
  const operator = auditOperator(createOperator(tools), audit)
  const cron = schedulePrune({ schedule: config.pruneSchedule, operator, log, counts })
  const socket =
    config.neo4jUri === '' ? await openSocket(config.dataDir, operator, log) : undefined
  greet(log, address, followed.description, config)
  const stopping = new AbortController()
  void warnAboutCallers(config, followed.store, log, stopping.signal)
  return () =>
    stop(async () => {
      stopping.abort()
      await Promise.all([cron.stop(), socket?.close(), followed.follower.stop()])
    })
}

async function serveAsWorker(config: Config, log: Logger): Promise<() => Promise<void>> {
  const followed = await followFirst(config, log)
  receiveLooks(followed.follower.receive)
  // Others share the port: who can do nothing yet takes no requests from those who can.
  await Promise.race([followed.ready, pause(READY_MS)])
  const { stop } = await serveHttp({ config, log, followed, exposition: askFirst })
  return () => stop(async () => undefined)
}

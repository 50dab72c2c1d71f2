import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import type { Config } from '../private/config.ts'
import { exposeReadings } from '../src/http/metrics.ts'
import type { Look } from '../src/service/follower.ts'
import { createOperator } from '../src/service/operate.ts'
import { assembleTools } from './assemble.ts'
import { warnAboutCallers } from './callers.ts'
import { followGraph } from './follow.ts'
import { newPruneCounts, schedulePrune } from './prune-cron.ts'
import { pruneReadings } from './readings.ts'
import { greet } from './serve-http.ts'
import { answerWorkers } from './worker-metrics.ts'

// One that dies is replaced, but not faster than this.
const RESTART_MS = 500
const FOLLOW = 'follow'

// Handed round by this process, a connection on its way to a worker that dies would hang for ever; from a
// socket that they share, the others take it.
cluster.schedulingPolicy = cluster.SCHED_NONE

/**
 * Runs WORKERS processes that share the port. This one polls the feed for all of them, hands each look
 * on, prunes, and replaces a worker that dies; a new one starts from all that is known here.
 */
export async function supervise(config: Config, log: Logger): Promise<() => Promise<void>> {
  const following = new Set<Worker>()
  let last: Look | undefined
  let isStopping = false

  const followed = await followGraph(config, log, (look) => {
    last = look
    for (const worker of following) send(worker, look)
  })
  followed.follower.start()
  const operator = createOperator(await assembleTools(config, followed.store))
  const counts = newPruneCounts()
  const cron = schedulePrune({ schedule: config.pruneSchedule, operator, log, counts })
  const registry = new Registry()
  exposeReadings(registry, pruneReadings(counts))
  answerWorkers(registry)

  cluster.on('message', (worker, message) => {
    if (message !== FOLLOW) return
    if (last) send(worker, { ...last, isReset: true, entries: followed.memory.all() })
    following.add(worker)
  })
  let isListening = false
  cluster.on('exit', (worker, code, signal) => {
    following.delete(worker)
    if (isStopping) return
    // What kept it from listening has been said by the worker itself.
    if (!isListening) process.exit(1)
    log.error({ pid: worker.process.pid, code, signal }, 'a worker died and is replaced')
    setTimeout(() => isStopping || cluster.fork(), RESTART_MS)
  })
  if (config.auditLog.includes('/')) process.on('SIGHUP', () => signalWorkers('SIGHUP'))
  for (let i = 0; i < config.workers; i += 1) cluster.fork()
  const [, address] = (await once(cluster, 'listening')) as [Worker, AddressInfo]
  isListening = true
  greet(log, { ...address, address: config.host, family: 'IPv4' }, followed.description, config)
  log.info({ workers: config.workers }, 'workers share the port')
  const stopping = new AbortController()
  void warnAboutCallers(config, followed.store, log, stopping.signal)

  return async () => {
    isStopping = true
    stopping.abort()
    const alive = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)
    const ended = alive.map((worker) => once(worker, 'exit'))
    for (const worker of alive) worker.process.kill('SIGTERM')
    await Promise.all([...ended, cron.stop(), followed.follower.stop()])
    await followed.store.close()
  }
}

// Each has its own file open.
function signalWorkers(name: NodeJS.Signals): void {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(name)
}

// A worker may have gone in the meantime.
function send(worker: Worker, look: Look): void {
  if (worker.isConnected()) worker.send({ look }, () => undefined)
}

/** In a worker: asks the first process for its looks. */
export function receiveLooks(receive: (look: Look) => void): void {
  process.on('message', (message: { look?: Look }) => {
    if (message.look) receive(message.look)
  })
  process.send?.(FOLLOW)
}

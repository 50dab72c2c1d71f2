import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { Config } from '../private/config.ts'
import type { Look } from '../src/service/follower.ts'
import { createOperator } from '../src/service/operate.ts'
import { assembleTools } from './assemble.ts'
import { followGraph } from './follow.ts'
import { schedulePrune } from './prune-cron.ts'
import { greet } from './serve-http.ts'

// One that dies is replaced, but not faster than this.
const RESTART_MS = 500

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
  const cron = schedulePrune(config.pruneSchedule, operator, log)

  cluster.on('message', (worker) => {
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
  for (let i = 0; i < config.workers; i += 1) cluster.fork()
  const [, address] = (await once(cluster, 'listening')) as [Worker, AddressInfo]
  isListening = true
  greet(log, { ...address, address: config.host, family: 'IPv4' }, followed.description)
  log.info({ workers: config.workers }, 'workers share the port')

  return async () => {
    isStopping = true
    const alive = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)
    const ended = alive.map((worker) => once(worker, 'exit'))
    for (const worker of alive) worker.process.kill('SIGTERM')
    await Promise.all([...ended, cron.stop(), followed.follower.stop()])
    await followed.store.close()
  }
}

// A worker may have gone in the meantime.
function send(worker: Worker, look: Look): void {
  if (worker.isConnected()) worker.send(look, () => undefined)
}

/** In a worker: asks the first process for its looks. */
export function receiveLooks(receive: (look: Look) => void): void {
  process.on('message', (look) => receive(look as Look))
  process.send?.('follow')
}

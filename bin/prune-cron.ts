import { type Logger as CronLogger, createTask } from 'node-cron'
import type { Logger } from 'pino'
import { AuthError } from '../src/error.ts'
import type { Operator } from '../src/operator.ts'

export interface PruneCron {
  /** Ends a run that is under way after its batch, and starts no other. */
  stop(): Promise<void>
}

/** Prunes by a schedule, one run at a time, with a log line for each. */
export function schedulePrune(schedule: string, operator: Operator, log: Logger): PruneCron {
  const stopping = new AbortController()
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    try {
      const pruned = await operator.prune({ signal: stopping.signal })
      if (pruned) log.info(pruned, 'pruned')
      else log.debug('another replica prunes')
    } catch (error) {
      const { cause } = error as Error
      const reason = cause instanceof Error ? cause.message : (error as Error).message
      if (error instanceof AuthError) log.warn({ reason }, 'not pruned: the next run tries again')
      else log.error({ err: error }, 'not pruned')
    }
  }

  // node-cron's own lines about missed runs are no news: the next run does what one before did not.
  const silence: CronLogger = {
    info: () => undefined,
    warn: () => undefined,
    error: (message) => log.error({ reason: String(message) }, 'cron'),
    debug: () => undefined,
  }
  const task = createTask(
    schedule,
    () => {
      running ??= run().finally(() => {
        running = undefined
      })
      return running
    },
    { logger: silence },
  )
  task.start()

  return {
    async stop() {
      stopping.abort()
      await task.destroy()
      await running
    },
  }
}

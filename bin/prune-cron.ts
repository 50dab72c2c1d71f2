import { type Logger as CronLogger, createTask } from 'node-cron'
import type { Logger } from 'pino'
import { AuthError } from '../src/error.ts'
import type { Operator, Pruned } from '../src/operator.ts'
import { reasonOf } from './follow.ts'

export interface PruneCron {
  /** Ends a run that is under way after its batch, and starts no other. */
  stop(): Promise<void>
}

/** What the runs of this process have done so far. */
export interface PruneCounts {
  removed: { tokens: number; sessions: number; entries: number }
  /** Runs that went to the end. */
  runs: number
  /** When the last of them ended, in ms; 0 before the first. */
  lastSuccess: number
}

export function newPruneCounts(): PruneCounts {
  return { removed: { tokens: 0, sessions: 0, entries: 0 }, runs: 0, lastSuccess: 0 }
}

interface Scheduled {
  schedule: string
  operator: Operator
  log: Logger
  counts: PruneCounts
}

/** Prunes by a schedule, one run at a time, with a log line for each. */
export function schedulePrune({ schedule, operator, log, counts }: Scheduled): PruneCron {
  const stopping = new AbortController()
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    try {
      const pruned = await operator.prune({ signal: stopping.signal })
      if (pruned) {
        count(pruned)
        log.info(pruned, 'pruned')
      } else log.debug('another replica prunes')
    } catch (error) {
      if (error instanceof AuthError)
        log.warn({ reason: reasonOf(error) }, 'not pruned: the next run tries again')
      else log.error({ err: error }, 'not pruned')
    }
  }

  function count({ tokens, sessions, entries, complete }: Pruned): void {
    counts.removed.tokens += tokens
    counts.removed.sessions += sessions
    counts.removed.entries += entries
    if (!complete) return
    counts.runs += 1
    counts.lastSuccess = Date.now()
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

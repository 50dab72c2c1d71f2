import { AuthError } from './error.ts'

/** Runs costly tasks, a few at a time. */
export interface Queue {
  /** How many tasks run and wait now, and how many were refused so far. */
  status(): { running: number; waiting: number; refused: number }
  /** Throws service_unavailable at once where the turn of another task would not come in time. */
  requireRoom(): void
  /** Runs the task in its turn; throws service_unavailable when its turn does not come in time. */
  run<T>(task: () => Promise<T>): Promise<T>
}

/** At most `concurrency` tasks run at once; what would wait longer than `maxWaitMs` is refused. */
export function createQueue(concurrency: number, maxWaitMs: number): Queue {
  const waiting = new Set<() => void>()
  let running = 0
  // A moving average of what a task takes, so that a hopeless wait is refused before it begins.
  let taskMs = 0
  let refused = 0

  function refuse(): AuthError {
    refused += 1
    return new AuthError('service_unavailable', { detail: 'Too many log-ins at once: try again.' })
  }

  function requireRoom(): void {
    if (running === concurrency && (waiting.size * taskMs) / concurrency > maxWaitMs) throw refuse()
  }

  async function turn(): Promise<void> {
    requireRoom()
    if (running < concurrency) {
      running += 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      function start() {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.delete(start)
        reject(refuse())
      }, maxWaitMs)
      waiting.add(start)
    })
  }

  // The place of the task that ends is handed on, so that nobody who comes later overtakes.
  function next(): void {
    const [start] = waiting
    if (!start) {
      running -= 1
      return
    }
    waiting.delete(start)
    start()
  }

  return {
    status: () => ({ running, waiting: waiting.size, refused }),
    requireRoom,
    async run(task) {
      await turn()
      const begun = performance.now()
      try {
        return await task()
      } finally {
        taskMs += (performance.now() - begun - taskMs) / (taskMs === 0 ? 1 : 8)
        next()
      }
    },
  }
}

import type { Fault } from '../history.ts'
import { isDone, type Joined, mayHaveHappened, type Op } from './joined.ts'

/** What the record says of a token's life. */
export interface Life {
  /** The operation that gave it first. */
  given: Op
  /** Its time is over no earlier, and no later, by the campaign's clock. */
  earliestEnd: number
  latestEnd: number
}

/** Lives are whole seconds, rounded down where they begin. */
const ROUNDING_MS = 1_000

/** The lives of a session's tokens, by their ids. */
export function livesOf(operations: readonly Op[]): Map<string, Life> {
  const lives = new Map<string, Life>()
  const tried = new Map<string, number>()
  for (const op of operations) {
    if (op.verb === 'refresh' && op.token && mayHaveHappened(op) && !tried.has(op.token)) {
      tried.set(op.token, op.at)
    }
    if (!isDone(op) || !op.made) continue
    const { token, lifeMs } = op.made
    // It may have been made for an earlier request, whose answer was lost.
    const began = op.verb === 'refresh' && op.token ? (tried.get(op.token) ?? op.at) : op.at
    const life = lives.get(token)
    if (life) life.latestEnd = Math.min(life.latestEnd, op.end + lifeMs)
    else {
      const earliestEnd = began + lifeMs - ROUNDING_MS
      lives.set(token, { given: op, earliestEnd, latestEnd: op.end + lifeMs })
    }
  }
  return lives
}

/** Whether the clock that a token lives by was set otherwise between two times. */
export function clockSteps({ faults }: Joined): (from: number, to: number) => boolean {
  const steps = faults.filter(({ graphClock }) => graphClock)
  return (from, to) => steps.some((step: Fault) => step.at <= to && step.end >= from)
}

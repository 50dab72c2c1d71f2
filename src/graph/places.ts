/** Frees a place; says whether whoever had it was answered. */
export type Free = (wasAnswered: boolean) => void

/** Places, given in turn. */
export interface Places {
  /** Waits for a place until an instant (monotonic ms); gives what frees it, or undefined if none came. */
  take(until: number): Promise<Free | undefined>
  /** Lets nobody in any more; who waits gets none. */
  close(): void
}

const FIRST = 8

/**
 * A few places at first, and one more for each answer while others wait, up to `most`: a server that
 * has just come back, or falls silent, does not meet all connections at once.
 */
export function createPlaces(most: number): Places {
  const waiting = new Set<(free?: Free) => void>()
  let limit = Math.min(FIRST, most)
  let taken = 0

  function placeTaken(): Free {
    taken += 1
    return (wasAnswered) => {
      taken -= 1
      if (wasAnswered && waiting.size > 0) limit = Math.min(limit + 1, most)
      for (const settle of waiting) {
        if (taken >= limit) return
        settle(placeTaken())
      }
    }
  }

  return {
    take(until) {
      if (taken < limit) return Promise.resolve(placeTaken())
      return new Promise((resolve) => {
        const timer = setTimeout(settle, Math.max(0, until - performance.now()))
        function settle(free?: Free): void {
          clearTimeout(timer)
          waiting.delete(settle)
          resolve(free)
        }
        waiting.add(settle)
      })
    },
    close() {
      limit = Number.NEGATIVE_INFINITY
      for (const settle of waiting) settle()
    },
  }
}

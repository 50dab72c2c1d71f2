/**
 * The graph's time in this process: its last word plus the time since on the monotonic clock. It never
 * goes backwards, and does not follow steps of this machine's own clock.
 */
export interface GraphClock {
  /** ms since the epoch; this machine's word until the graph has given one. */
  now(): number
  /** Takes the graph's word of what time it is, in ms since the epoch. */
  observe(time: number): void
  /** Takes its word that it is this late at least: a write may have waited since it was given its time. */
  reach(time: number): void
}

export function createGraphClock(): GraphClock {
  let said = Date.now()
  let saidAt = performance.now()
  let heard = false
  let last = 0
  return {
    now() {
      const now = Math.floor(said + (performance.now() - saidAt))
      if (!heard) return now
      last = Math.max(last, now)
      return last
    },
    observe(time) {
      said = time
      saidAt = performance.now()
      heard = true
      last = Math.max(last, time)
    },
    reach(time) {
      last = Math.max(last, time)
    },
  }
}

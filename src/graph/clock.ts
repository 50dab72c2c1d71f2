/**
 * The graph's time in this process: its last word plus the time since on the monotonic clock. It never
 * goes backwards, and does not follow steps of this machine's own clock.
 */
export interface GraphClock {
  /**
   * ms since the epoch; 0 until the graph has said what time it is: then nothing is over, since this
   * machine's own clock may be wrong by hours.
   */
  now(): number
  /** Takes the graph's word of what time it is, in ms since the epoch. */
  observe(time: number): void
  /** Takes its word that it is this late at least: a write may have waited since it was given its time. */
  reach(time: number): void
}

export function createGraphClock(): GraphClock {
  let said = 0
  let saidAt = 0
  let heard = false
  let last = 0
  return {
    now() {
      if (heard) last = Math.max(last, Math.floor(said + (performance.now() - saidAt)))
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

/**
 * A clock for a graph that has none of its own: this machine's, in whole ms since the epoch, but never
 * backwards. While the machine's clock is behind what was told before, it goes on at the pace of the
 * monotonic one. `from` is the least that it tells.
 */
export function createForwardClock(
  from: number,
  wall: () => number = Date.now,
  monotonic: () => number = () => performance.now(),
): () => number {
  let last = from
  let lastAt = monotonic()
  return () => {
    const at = monotonic()
    last = Math.max(wall(), last + at - lastAt)
    lastAt = at
    return Math.floor(last)
  }
}

import { pause } from '../pause.ts'
import { createPlaces, type Places } from './places.ts'

/** A driver that has reached the server, and as many places as it has connections. */
export interface Line<Driver> {
  driver: Driver
  places: Places
  /** When the server last answered anything on it, on the monotonic clock. */
  answeredAt: number
}

interface Means<Driver> {
  /** Makes a driver that has reached the server; throws why there is none. */
  open(): Promise<Driver>
  shut(driver: Driver): Promise<void>
  /** How many statements may run at once. */
  places: number
  /** How long calls wait for a server that was lost, and what runs on a lost line may go on, in ms. */
  patienceMs: number
  /** How long to wait after a failure to open, in ms. */
  pauseMs(error: unknown): number
  /** Told why there is no line, at each try. */
  onAway(error: unknown): void
  /** Told that there is one, and for how long there was none, in ms. */
  onBack(awayMs: number): void
}

/** The line to a server that may come and go. */
export interface Link<Driver> {
  /**
   * The line that there is, or the next one: waits for it until an instant, but only for the patience
   * since the last was lost; a server that was never there is tried once. Then it throws why, or
   * undefined if that is not known yet.
   */
  line(until: number): Promise<Line<Driver>>
  /** Gives a line up, once; a new one is looked for. */
  lose(line: Line<Driver>, error: unknown): void
  close(): Promise<void>
}

/** Looks for a line when it is first asked. */
export function createLink<Driver>(means: Means<Driver>): Link<Driver> {
  const drivers = new Set<Driver>()
  const closing = new AbortController()
  let current: Line<Driver> | undefined
  let seeking: Promise<void> | undefined
  let trying: Promise<boolean> | undefined
  let awaySince = 0
  let wasThere = false
  let failure: unknown

  async function seek(): Promise<void> {
    awaySince = performance.now()
    for (;;) {
      trying = found()
      if (await trying) break
      means.onAway(failure)
      await pause(means.pauseMs(failure), closing.signal)
      if (closing.signal.aborted) return
    }
    seeking = undefined
    wasThere = true
    means.onBack(performance.now() - awaySince)
  }

  async function found(): Promise<boolean> {
    try {
      const driver = await means.open()
      if (closing.signal.aborted) {
        await means.shut(driver)
        return false
      }
      drivers.add(driver)
      const answeredAt = performance.now()
      current = { driver, places: createPlaces(means.places), answeredAt }
      return true
    } catch (error) {
      failure = error
      return false
    }
  }

  async function shut(driver: Driver): Promise<void> {
    if (drivers.delete(driver)) await means.shut(driver)
  }

  return {
    async line(until) {
      if (current) return current
      if (!closing.signal.aborted) seeking ??= seek()
      const rest = Math.min(until, awaySince + means.patienceMs) - performance.now()
      const next = wasThere ? seeking : trying
      if (rest > 0) await Promise.race([next, pause(rest, closing.signal)])
      if (current) return current
      throw failure
    },
    lose(line, error) {
      if (line !== current) return
      failure = error
      current = undefined
      line.places.close()
      seeking = seek()
      // What runs on it may still succeed; what does not has passed its deadline by then.
      setTimeout(() => shut(line.driver), 1.2 * means.patienceMs).unref()
    },
    async close() {
      closing.abort()
      current?.places.close()
      current = undefined
      await Promise.all([...drivers].map(shut))
    },
  }
}

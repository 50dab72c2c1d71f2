import { createHash } from 'node:crypto'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { AuthError } from './error.ts'
import { networkOf } from './source.ts'

/** Whose password is tried, and from where. */
export interface Attempt {
  /** The key of the account, whether there is one or not. */
  account: string
  /** The address that the attempt comes from. */
  source: string
}

/** Slows those who guess passwords down, and never locks an account. */
export interface Throttle {
  /** Attempts refused so far, those that wait now, and counters in memory. */
  status(): { refused: number; waiting: number; counted: number }
  /**
   * Runs what compares a password, unless too many were wrong before: too_many_attempts, with the seconds
   * in `retryAfter`. What throws bad_credentials or user_does_not_exist counts as wrong. What succeeds
   * clears the account's count at that source; what fails otherwise counts for nothing. No more run at
   * once than may still be wrong: the rest wait, or throw service_unavailable.
   */
  guard<T>(attempt: Attempt, compare: () => Promise<T>): Promise<T>
}

/** How many wrong passwords a window takes; Infinity for any number. */
export interface ThrottleLimits {
  /** Seconds from the first wrong one that a counter sees to its end. */
  windowSeconds: number
  /** For one account from one source. */
  perAccount: number
  /** From one source. */
  perSource: number
  /** In all; past it a source is refused after its first. */
  inAll: number
  /** How long an attempt may wait for others, in ms. */
  maxWaitMs: number
  /** How many counters of a kind memory holds; past that the oldest go. */
  mostCounters: number
}

/** What the counters of this process say; several processes each allow as much. */
export function createThrottle(limits: ThrottleLimits): Throttle {
  const { perAccount, perSource, inAll } = limits
  const accounts = createCounters(limits)
  const sources = createCounters(limits)
  const all = createCounters(limits)
  const kinds = [accounts, sources, all]
  const inTurn = createTurns()
  let refused = 0

  // Undefined, and the attempt counted as running, or else what it has to wait for.
  async function admit(keys: string[]): Promise<Place | undefined> {
    // Read at one instant, and one attempt at a time: none is let in on what another has used up.
    const [account, source, total] = (await Promise.all(
      kinds.map((counters, i) => counters.read(keys[i] as string)),
    )) as [Count, Count, Count]
    const isFlood = total.wrong + total.running >= inAll
    const ofSource = isFlood ? Math.min(1, perSource) : perSource
    const tooLong = Math.max(
      account.wrong >= perAccount ? account.msLeft : 0,
      source.wrong >= ofSource ? source.msLeft : 0,
    )
    if (tooLong > 0) {
      refused += 1
      throw new AuthError('too_many_attempts', { retryAfter: Math.ceil(tooLong / 1000) })
    }
    if (account.wrong + account.running >= perAccount) return { of: accounts, key: keys[0] ?? '' }
    if (source.wrong + source.running >= ofSource) return { of: sources, key: keys[1] ?? '' }
    for (const [i, counters] of kinds.entries()) counters.begin(keys[i] as string)
    return undefined
  }

  async function enter(keys: string[]): Promise<void> {
    const end = performance.now() + limits.maxWaitMs
    let last: Place | undefined
    for (;;) {
      let next: Place | undefined
      try {
        next = await inTurn(() => admit(keys))
      } catch (error) {
        // Whoever was called and is refused calls the next, who may be, too.
        last?.of.call(last.key, 1)
        throw error
      }
      if (next === undefined) return
      if (last && last.of !== next.of) last.of.call(last.key, 1)
      last = next
      await last.of.wait(last.key, end - performance.now())
    }
  }

  return {
    status: () => ({
      refused,
      waiting: accounts.waiting() + sources.waiting(),
      counted: accounts.size() + sources.size(),
    }),
    async guard({ account, source }, compare) {
      const network = networkOf(source)
      const keys = [`${network} ${digest(account)}`, network, '']
      await enter(keys)
      let outcome: Outcome = 'nothing'
      try {
        const compared = await compare()
        outcome = 'right'
        return compared
      } catch (error) {
        if (isWrong(error)) outcome = 'wrong'
        throw error
      } finally {
        for (const [i, counters] of kinds.entries()) counters.end(keys[i] as string, outcome)
        if (outcome === 'right') accounts.clear(keys[0] as string)
        accounts.call(keys[0] as string, outcome === 'right' ? perAccount : 1)
        sources.call(keys[1] as string, 1)
      }
    },
  }
}

// A key of bounded length, whatever was typed as a name.
function digest(account: string): string {
  return createHash('sha256').update(account).digest('base64')
}

type Outcome = 'right' | 'wrong' | 'nothing'

interface Count {
  wrong: number
  running: number
  /** Until the window ends. */
  msLeft: number
}

interface Place {
  of: Counters
  key: string
}

type Counters = ReturnType<typeof createCounters>

function isWrong(error: unknown): boolean {
  if (!(error instanceof AuthError)) return false
  return error.code === 'bad_credentials' || error.code === 'user_does_not_exist'
}

/** Counts by key: wrong ones by a limiter that forgets them after the window, and those that run. */
function createCounters({ windowSeconds, mostCounters }: ThrottleLimits) {
  const limiter = new RateLimiterMemory({ points: 1, duration: windowSeconds })
  const running = new Map<string, number>()
  const waiting = new Map<string, Set<() => void>>()
  // The limiter bounds time alone: whoever makes up names or addresses must not fill memory.
  const kept = new Set<string>()

  function forget(key: string): void {
    kept.delete(key)
    limiter.delete(key)
  }

  function leave(key: string, one: () => void): void {
    const others = waiting.get(key)
    others?.delete(one)
    if (others?.size === 0) waiting.delete(key)
  }

  return {
    size: () => kept.size,
    waiting: () => waiting.values().reduce((sum, { size }) => sum + size, 0),
    /** All of it as it is at the call. */
    read(key: string): Promise<Count> {
      const now = running.get(key) ?? 0
      return limiter.get(key).then((counted) => ({
        wrong: counted?.consumedPoints ?? 0,
        running: now,
        msLeft: Math.max(counted?.msBeforeNext ?? 0, 1),
      }))
    },
    begin(key: string): void {
      running.set(key, (running.get(key) ?? 0) + 1)
    },
    end(key: string, outcome: Outcome): void {
      const left = (running.get(key) ?? 1) - 1
      if (left > 0) running.set(key, left)
      else running.delete(key)
      if (outcome !== 'wrong') return
      limiter.penalty(key)
      kept.delete(key)
      kept.add(key)
      const [oldest] = kept
      if (kept.size > mostCounters) forget(oldest as string)
    },
    clear: forget,
    /** Calls the first of those that wait. */
    call(key: string, most: number): void {
      const called = [...(waiting.get(key) ?? [])].slice(0, most)
      for (const go of called) {
        leave(key, go)
        go()
      }
    },
    /** Waits to be called; throws service_unavailable after so many ms. */
    wait(key: string, ms: number): Promise<void> {
      return new Promise((resolve, reject) => {
        function go(): void {
          clearTimeout(timer)
          resolve()
        }
        const timer = setTimeout(() => {
          leave(key, go)
          const detail = 'Too many log-ins at once: try again.'
          reject(new AuthError('service_unavailable', { detail }))
        }, ms)
        const others = waiting.get(key)
        if (others) others.add(go)
        else waiting.set(key, new Set([go]))
      })
    },
  }
}

/** Runs one task after the other. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(task: () => Promise<T>): Promise<T> => {
    const turn = last.then(task)
    last = turn.catch(() => undefined)
    return turn
  }
}

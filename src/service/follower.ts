import type { BlacklistEntry } from '../blacklist.ts'
import type { Feed } from '../store.ts'
import { type BlacklistMemory, SPENT_MS } from './memory.ts'

export interface Following {
  feed: Feed
  memory: BlacklistMemory
  /** How long to wait between two polls, in ms. */
  pollMs: number
  /** How old the last look may be before memory is no longer trusted, in ms. */
  maxStalenessMs: number
  /** How many entries memory may hold; past that the graph is asked. */
  mostEntries: number
  /** The graph's time, in ms. */
  now(): number
  /** A clock that neither steps nor stops with the process, one for all of a machine, in ms. */
  monotonic(): number
  /** Told that another graph, or an older state of it, is followed from now on. */
  onReset(): void
  /** Told of a poll that failed. */
  onFailure(error: unknown): void
  /** Told of each successful look, for those who follow through this process. */
  onLook?(look: Look): void
}

/** What one look at the feed brought. */
export interface Look {
  /** Whether all that was known before is void. */
  isReset: boolean
  epoch: string
  seq: number
  /** When it began, on the machine's monotonic clock, in ms. */
  freshAt: number
  /** The graph's time, in ms. */
  now: number
  overflow: boolean
  entries: BlacklistEntry[]
}

export type Mode = 'memory' | 'starting' | 'stale' | 'overflow'

export interface FollowerStatus {
  /** `memory` when it is trusted; else why the graph is asked for each token. */
  mode: Mode
  /** The place of the last entry that was applied. */
  seq: number
  epoch: string | undefined
  /** Since the last successful look began, in ms; infinite before the first. */
  ageMs: number
  entries: number
}

/** Follows the feed of blacklist entries and knows how old its knowledge is. */
export interface Follower {
  /** Looked at on every verify: a process that was stopped must not answer from old memory. */
  isTrusted(): boolean
  status(): FollowerStatus
  /** Follows until it is stopped. */
  start(): void
  stop(): Promise<void>
}

const PAGE = 2_000
const SWEEP_MS = 10_000
const HOLE_MS = 60_000
const MOST_HOLES = 4

/** Places in the feed, first to last, at which nothing was when they were passed. */
interface Hole {
  first: number
  last: number
  /** Until when it is looked into, in ms of the monotonic clock. */
  until: number
}

export function createFollower(following: Following): Follower {
  const { feed, memory, pollMs, maxStalenessMs, mostEntries, now, monotonic } = following
  let cursor = 0
  let epoch: string | undefined
  let freshAt = Number.NEGATIVE_INFINITY
  let provedAt = Number.NEGATIVE_INFINITY
  let sweptAt = monotonic()
  let overflow = false
  let holes: Hole[] = []
  let timer: NodeJS.Timeout | undefined
  let polling: Promise<void> | undefined
  let isStopped = false
  let applied: BlacklistEntry[] = []
  let isReset = true

  /** Reads everything up to a place at which all writes are over: what is missing there was pruned. */
  async function readUpToFence(): Promise<void> {
    const fence = await feed.fence()
    if (fence.epoch !== epoch || fence.seq < cursor) reset(fence.epoch)
    while (cursor < fence.seq && !overflow) {
      const { entries } = await feed.read(cursor, PAGE)
      for (const entry of entries) {
        passTo(Math.min(entry.seq - 1, fence.seq))
        apply(entry)
        cursor = Math.min(entry.seq, fence.seq)
      }
      if (entries.length < PAGE) break
    }
    // In overflow nothing is remembered: what was left out is read when there is room.
    passTo(fence.seq)
  }

  /** Moves the cursor over places at which nothing is. */
  function passTo(seq: number): void {
    if (seq <= cursor) return
    holes.push({ first: cursor + 1, last: seq, until: monotonic() + HOLE_MS })
    if (holes.length > MOST_HOLES) holes.shift()
    cursor = seq
  }

  // No write of ours is open at a fence. Another program's may be, if it takes its place in the feed
  // first and commits later: the newest holes are looked into for as long as that could be.
  async function lookIntoHoles(time: number): Promise<void> {
    holes = overflow ? [] : holes.filter(({ until }) => until > time).slice(-MOST_HOLES)
    const pages = await Promise.all(holes.map(({ first }) => feed.read(first - 1, 1)))
    holes = holes.flatMap((hole, i) => {
      const page = pages[i]
      const entry = page?.epoch === epoch ? page?.entries[0] : undefined
      if (!entry || entry.seq > hole.last) return hole
      apply(entry)
      const sides = [
        { ...hole, last: entry.seq - 1 },
        { ...hole, first: entry.seq + 1 },
      ]
      return sides.filter(({ first, last }) => first <= last)
    })
  }

  /** Applies what follows the cursor without a hole; false if there is one. */
  async function readOn(): Promise<boolean> {
    for (;;) {
      const page = await feed.read(cursor, PAGE)
      if (page.epoch !== epoch || page.seq < cursor) {
        reset(page.epoch)
        await readUpToFence()
        continue
      }
      for (const entry of page.entries) {
        if (entry.seq !== cursor + 1) return false
        apply(entry)
        cursor = entry.seq
      }
      if (page.entries.length < PAGE) return true
    }
  }

  async function poll(): Promise<void> {
    const began = monotonic()
    if (feed.needsHeartbeat && began - provedAt > maxStalenessMs / 3) {
      await feed.heartbeat()
      provedAt = began
    }
    if (epoch === undefined) await readUpToFence()
    // A hole means read again. One that stays is looked at once no write is under way: was it pruned?
    if (!(await readOn()) && !(await readOn())) {
      await readUpToFence()
      if (!(await readOn())) return
    }
    await lookIntoHoles(began)
    freshAt = feed.needsHeartbeat ? provedAt : began
    sweep(began)
    tell()
  }

  function tell(): void {
    const entries = applied
    applied = []
    if (!following.onLook || epoch === undefined) return
    following.onLook({ isReset, epoch, seq: cursor, freshAt, now: now(), overflow, entries })
    isReset = false
  }

  function apply(entry: BlacklistEntry): void {
    if (overflow) return
    memory.add(entry)
    if (following.onLook) applied.push(entry)
    if (memory.size <= mostEntries) return
    memory.dropSpent(now() - SPENT_MS)
    overflow = memory.size > mostEntries
    if (overflow) memory.clear()
  }

  function sweep(time: number): void {
    if (time - sweptAt < SWEEP_MS) return
    sweptAt = time
    memory.dropSpent(now() - SPENT_MS)
    // There may be room again: everything is read anew.
    if (overflow) reset(undefined)
  }

  function reset(to: string | undefined): void {
    memory.clear()
    applied = []
    isReset = true
    overflow = false
    holes = []
    cursor = 0
    freshAt = Number.NEGATIVE_INFINITY
    if (epoch !== undefined) following.onReset()
    epoch = to
  }

  async function follow(): Promise<void> {
    try {
      await poll()
    } catch (error) {
      following.onFailure(error)
    }
  }

  function schedule(ms: number): void {
    if (isStopped) return
    timer = setTimeout(() => {
      polling = follow().finally(() => schedule(pollMs))
    }, ms)
  }

  function age(): number {
    return monotonic() - freshAt
  }

  function mode(): Mode {
    if (overflow) return 'overflow'
    if (freshAt === Number.NEGATIVE_INFINITY) return 'starting'
    return age() <= maxStalenessMs ? 'memory' : 'stale'
  }

  return {
    isTrusted: () => !overflow && age() <= maxStalenessMs,
    status: () => ({ mode: mode(), seq: cursor, epoch, ageMs: age(), entries: memory.size }),
    start: () => schedule(0),
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await polling
    },
  }
}

import { hrtime } from 'node:process'
import type { Store } from '../store.ts'
import { createFollower, type Follower } from './follower.ts'
import { createLivePaths, type LivePaths, rememberWrites } from './live-paths.ts'
import { createBlacklistMemory, createKnownTokens, type KnownTokens } from './memory.ts'

export interface Limits {
  pollMs: number
  maxStalenessMs: number
  /** How many blacklist entries memory may hold. */
  mostEntries: number
  /** How many known tokens memory may hold. */
  mostKnown: number
  onFailure(error: unknown): void
}

export interface Remembering {
  /** The store to work with from now on. */
  store: Store
  paths: LivePaths
  follower: Follower
  known: KnownTokens
}

/** Memory over a store: the known tokens, the blacklist, and the follower that keeps it true. */
export function createRemembering(store: Store, limits: Limits): Remembering {
  const memory = createBlacklistMemory()
  const known = createKnownTokens(limits.mostKnown)
  const follower = createFollower({
    ...limits,
    feed: store.feed,
    memory,
    now: store.now,
    monotonic,
    onReset: known.clear,
  })
  return {
    store: rememberWrites(store, memory),
    paths: createLivePaths({ memory, known, follower }),
    follower,
    known,
  }
}

/** ms on the system's monotonic clock, the same in every process of a machine. */
export function monotonic(): number {
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

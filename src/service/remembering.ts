import type { Store } from '../store.ts'
import { createFollower, type Follower, type Following } from './follower.ts'
import { createLivePaths, type LivePaths, rememberEntries } from './live-paths.ts'
import {
  type BlacklistMemory,
  createBlacklistMemory,
  createKnownTokens,
  type KnownTokens,
} from './memory.ts'
import { createRelayedFollower, type RelayedFollower } from './relay.ts'

export interface Limits extends Omit<Following, 'feed' | 'memory' | 'now' | 'onReset'> {
  /** How many known tokens memory may hold. */
  mostKnown: number
}

export interface Remembering {
  /** The store to work with from now on. */
  store: Store
  paths: LivePaths
  follower: Follower
  known: KnownTokens
  memory: BlacklistMemory
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
    onReset: known.clear,
  })
  return assembled(store, memory, known, follower)
}

/** The same where another process of the machine follows the feed. */
export function createRelayedRemembering(
  store: Store,
  { maxStalenessMs, mostKnown, monotonic }: Omit<Limits, 'onFailure' | 'onLook'>,
): Remembering & { follower: RelayedFollower } {
  const memory = createBlacklistMemory()
  const known = createKnownTokens(mostKnown)
  const follower = createRelayedFollower({
    memory,
    maxStalenessMs,
    monotonic,
    observe: store.observe,
    onReset: known.clear,
  })
  return assembled(store, memory, known, follower)
}

function assembled<F extends Follower>(
  store: Store,
  memory: BlacklistMemory,
  known: KnownTokens,
  follower: F,
): Remembering & { follower: F } {
  return {
    store: rememberEntries(store, memory, follower),
    paths: createLivePaths({ memory, known, follower }),
    follower,
    known,
    memory,
  }
}

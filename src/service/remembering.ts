import type { Store } from '../store.ts'
import { type CheckedTokens, createCheckedTokens } from './checked-tokens.ts'
import { createFollower, type Follower, type Following } from './follower.ts'
import { createKnownTokens, type KnownTokens } from './known-tokens.ts'
import { createLivePaths, type LivePaths, rememberEntries } from './live-paths.ts'
import { type BlacklistMemory, createBlacklistMemory } from './memory.ts'
import { createRelayedFollower, type RelayedFollower } from './relay.ts'

export interface Limits extends Omit<Following, 'feed' | 'memory' | 'now' | 'onReset'> {
  /** How many tokens memory may hold by their text. */
  mostChecked: number
  /** How many ids of known tokens memory may hold. */
  mostKnown: number
}

export interface Remembering {
  /** The store to work with from now on. */
  store: Store
  paths: LivePaths
  follower: Follower
  checked: CheckedTokens
  known: KnownTokens
  memory: BlacklistMemory
}

/** Memory over a store: the checked and the known tokens, the blacklist, and the follower that keeps it true. */
export function createRemembering(store: Store, limits: Limits): Remembering {
  const caches = createCaches(limits)
  const { memory, known } = caches
  const { feed, now } = store
  const follower = createFollower({ ...limits, feed, memory, now, onReset: known.clear })
  return assembled(store, caches, follower)
}

/** The same where another process of the machine follows the feed. */
export function createRelayedRemembering(
  store: Store,
  limits: Omit<Limits, 'onFailure' | 'onLook'>,
): Remembering & { follower: RelayedFollower } {
  const caches = createCaches(limits)
  const { memory, known } = caches
  const { maxStalenessMs, monotonic } = limits
  const { observe } = store
  const onReset = known.clear
  const follower = createRelayedFollower({ memory, maxStalenessMs, monotonic, observe, onReset })
  return assembled(store, caches, follower)
}

type Caches = Pick<Remembering, 'memory' | 'checked' | 'known'>

function createCaches({
  mostChecked,
  mostKnown,
}: Pick<Limits, 'mostChecked' | 'mostKnown'>): Caches {
  return {
    memory: createBlacklistMemory(),
    checked: createCheckedTokens(mostChecked),
    known: createKnownTokens(mostKnown),
  }
}

function assembled<F extends Follower>(
  store: Store,
  caches: Caches,
  follower: F,
): Remembering & { follower: F } {
  return {
    store: rememberEntries(store, caches.memory, follower),
    paths: createLivePaths({ ...caches, follower }),
    follower,
    ...caches,
  }
}

import type { Follower, FollowerStatus, Look } from './follower.ts'
import { type BlacklistMemory, SPENT_MS } from './memory.ts'

interface Relaying {
  memory: BlacklistMemory
  maxStalenessMs: number
  monotonic(): number
  /** Takes the graph's time, in ms. */
  observe(now: number): void
  onReset(): void
}

export interface RelayedFollower extends Follower {
  /** Takes what the process that follows the feed for this machine has seen. */
  receive(look: Look): void
}

const SWEEP_LOOKS = 100

/** Follows the feed through another process of the same machine, by the age of that one's look. */
export function createRelayedFollower(relaying: Relaying): RelayedFollower {
  const { memory, maxStalenessMs, monotonic } = relaying
  let last: Pick<Look, 'epoch' | 'seq' | 'freshAt' | 'overflow'> | undefined
  let looks = 0

  function age(): number {
    return last ? monotonic() - last.freshAt : Number.POSITIVE_INFINITY
  }

  function mode(): FollowerStatus['mode'] {
    if (!last) return 'starting'
    if (last.overflow) return 'overflow'
    return age() <= maxStalenessMs ? 'memory' : 'stale'
  }

  return {
    isTrusted: () => last !== undefined && !last.overflow && age() <= maxStalenessMs,
    status: () => ({
      mode: mode(),
      seq: last?.seq ?? 0,
      epoch: last?.epoch,
      ageMs: age(),
      entries: memory.size,
    }),
    start: () => undefined,
    stop: async () => undefined,
    receive(look) {
      relaying.observe(look.now)
      if (look.isReset) {
        memory.clear()
        if (last) relaying.onReset()
      }
      for (const entry of look.entries) memory.add(entry)
      const { epoch, seq, freshAt, overflow } = look
      last = { epoch, seq, freshAt, overflow }
      looks += 1
      if (looks % SWEEP_LOOKS === 0) memory.dropSpent(look.now - SPENT_MS)
    },
  }
}

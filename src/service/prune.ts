import type { Pruned, PruneOptions } from '../operator.ts'
import { pause } from '../pause.ts'
import type { Prunable } from '../store.ts'
import type { Tools } from './service.ts'

type PruneTools = Pick<Tools, 'store' | 'newId' | 'rules'>

const LEASE = 'prune'
const LEASE_MS = 30_000
const BATCH = 500
const LOOK = 10_000
/** Nothing is removed before it has been over for this long, whatever a replica's clock says. */
export const MARGIN_MS = 60_000

/**
 * Removes what time has settled: expired tokens, sessions whose tokens are all gone, entries past their
 * time. One replica at a time: undefined when another has the lease. It deletes nothing live and
 * changes no answer.
 */
export async function prune(
  { store, newId, rules }: PruneTools,
  { signal, dryRun = false, onProgress }: PruneOptions = {},
): Promise<Pruned | undefined> {
  const begun = performance.now()
  await store.check()
  const holder = newId()
  if (!dryRun && !(await store.pruning.lease(LEASE, holder, LEASE_MS))) return undefined
  const now = store.now()
  const pruned: Pruned = { tokens: 0, sessions: 0, entries: 0, durationMs: 0, complete: true }

  async function removeAll(kind: Prunable, name: 'tokens' | 'sessions' | 'entries', age: number) {
    const before = now - MARGIN_MS - age
    for (;;) {
      const keys = await store.pruning.ended(kind, before, dryRun ? Number.MAX_SAFE_INTEGER : LOOK)
      if (dryRun) {
        pruned[name] = keys.length
        return
      }
      let removed = 0
      for (let i = 0; i < keys.length; i += BATCH) {
        if (signal?.aborted || !(await store.pruning.lease(LEASE, holder, LEASE_MS))) {
          pruned.complete = false
          return
        }
        const begunBatch = performance.now()
        const batch = await store.pruning.remove(kind, keys.slice(i, i + BATCH), before)
        // The graph has others to serve: it is left alone for twice as long as it was kept busy.
        await pause(2 * (performance.now() - begunBatch), signal)
        removed += batch
        pruned[name] += batch
        pruned.durationMs = Math.round(performance.now() - begun)
        onProgress?.(pruned)
      }
      // What could not be removed now, because something else holds on to it, waits for the next run.
      if (keys.length < LOOK || removed === 0) return
    }
  }

  try {
    await removeAll('token', 'tokens', 0)
    if (pruned.complete) await removeAll('session', 'sessions', rules.retentionSeconds * 1000)
    if (pruned.complete) await removeAll('entry', 'entries', 0)
  } finally {
    if (!dryRun) await store.pruning.release(LEASE, holder)
  }
  pruned.durationMs = Math.round(performance.now() - begun)
  return pruned
}

import type { Readings } from '../src/http/metrics.ts'
import type { Tools } from '../src/service/service.ts'
import type { Followed } from './follow.ts'
import type { PruneCounts } from './prune-cron.ts'

/** What a process that serves can read off itself for /metrics. */
export function servingReadings(
  { paths, checked, known, follower, store }: Followed,
  tools: Tools,
): Readings {
  const batches = (of: 'batches' | 'rows') => () =>
    Object.fromEntries(Object.entries(store.batches()).map(([kind, counts]) => [kind, counts[of]]))
  const queue = () => tools.hasher.queue.status()
  const throttle = () => tools.throttle?.status() ?? { refused: 0, waiting: 0, counted: 0 }
  return {
    memory_asked_total: counter('Tokens that memory was asked about', () => paths.counts.asked),
    checked_tokens: gauge('Tokens in memory by their text', () => checked.size),
    checked_tokens_hits_total: counter(
      'Tokens found there, not to be checked again',
      () => paths.counts.checked,
    ),
    known_tokens: gauge('Ids in memory of tokens that the graph holds', () => known.size),
    known_tokens_hits_total: counter(
      'Tokens found there, so that the graph was not asked',
      () => paths.counts.known,
    ),
    batches_total: { ...counter('Statements sent', batches('batches')), label: 'kind' },
    batch_rows_total: {
      ...counter('Rows sent in them; kind="sight" are first sights', batches('rows')),
      label: 'kind',
    },
    hash_queue_running: gauge('Hashes under way', () => queue().running),
    hash_queue_waiting: gauge('Hashes that wait', () => queue().waiting),
    login_throttled_total: counter('Log-ins refused for wrong passwords', () => throttle().refused),
    login_throttle_counters: gauge('Sources that are counted', () => throttle().counted),
    hash_queue_refused_total: counter('Hashes refused for their wait', () => queue().refused),
    blacklist_entries: {
      ...gauge('Blacklist entries in memory', () => follower.status().entries),
      over: 'max',
    },
    feed_seq: {
      ...gauge('Place of the last entry applied', () => follower.status().seq),
      over: 'max',
    },
    feed_age_seconds: {
      ...gauge('Age of the last look', () => follower.status().ageMs / 1000),
      over: 'max',
    },
    feed_trusted: {
      ...gauge('1 while memory is trusted', () => Number(follower.isTrusted())),
      over: 'min',
    },
  }
}

/** What the process that prunes can read off itself. */
export function pruneReadings(counts: PruneCounts): Readings {
  return {
    prune_removed_total: {
      ...counter('Nodes removed', () => ({ ...counts.removed })),
      label: 'kind',
    },
    prune_runs_total: counter('Runs that went to the end', () => counts.runs),
    prune_last_success_timestamp_seconds: gauge(
      'When the last one did',
      () => counts.lastSuccess / 1000,
    ),
  }
}

/** What is running. */
export function buildReadings(version: string): Readings {
  const info = { [version]: 1 }
  return {
    build_info: { ...gauge('The version that runs', () => info), label: 'version', over: 'first' },
  }
}

function counter(help: string, read: () => number | Record<string, number>) {
  return { help, kind: 'counter' as const, read }
}

function gauge(help: string, read: () => number | Record<string, number>) {
  return { help, kind: 'gauge' as const, read }
}

import type { Event, ObservedRun } from 'ava/internal'
import manifest from '../package.json' with { type: 'json' }

type Stats = Extract<Event, { type: 'stats' }>['stats']

/** What ava tells `test/run.ts`, after everything that changes it. */
export interface Counts {
  passed: number
  failed: number
  skipped: number
  /** Whether the run came to its end. */
  done: boolean
}

/** Ava's settings for `npm test`: those of package.json, and the counts that ava does not print. */
export default {
  ...manifest.ava,
  // A CI service that runs the job on several machines would give each a part of the tests.
  utilizeParallelBuilds: false,
  nonSemVerExperiments: { observeRunsFromConfig: true },
  observeRun,
}

async function observeRun({ events }: ObservedRun): Promise<void> {
  let stats: Stats | undefined
  const broken = new Set<string>()
  for await (const event of events) {
    if (event.type === 'worker-failed' && 'testFile' in event) broken.add(String(event.testFile))
    if (event.type === 'timeout') for (const file of event.pendingTests.keys()) broken.add(file)
    if (event.type === 'stats') stats = event.stats
    else if (event.type !== 'end') continue
    if (stats) process.send?.(count(stats, broken, event.type === 'end'))
  }
}

function count(stats: Stats, broken: Set<string>, done: boolean): Counts {
  const neverStarted = stats.files - stats.byFile.size
  let failed = neverStarted + stats.sharedWorkerErrors
  for (const [file, seen] of stats.byFile) {
    const faults =
      seen.failedTests +
      seen.failedHooks +
      seen.remainingTests +
      seen.uncaughtExceptions +
      seen.unhandledRejections +
      seen.internalErrors
    // A file without a test, one that exits after its last test or one that never does.
    const silent = faults === 0 && (seen.declaredTests === 0 || broken.has(file))
    failed += silent ? 1 : faults
  }
  return {
    passed: stats.passedTests + stats.passedKnownFailingTests,
    failed,
    skipped: stats.skippedTests + stats.todoTests,
    done,
  }
}

import { AuthError } from '../error.ts'

interface Batching<Row, Result> {
  /** How many rows go together at the most. */
  most: number
  /** Rows of one key never go together. */
  keyOf(row: Row): string
  /** Runs rows as one statement; gives a result a row, in the same order. */
  run(rows: Row[]): Promise<Result[]>
}

interface Waiting<Row, Result> {
  row: Row
  resolve(result: Result): void
  reject(error: unknown): void
}

/** How many batches ran, and of how many rows. */
export interface BatchCounts {
  batches: number
  rows: number
}

export interface Batch<Row, Result> {
  /** Runs a row, together with others where a batch is under way; its result or error is its own. */
  (row: Row): Promise<Result>
  readonly counts: BatchCounts
}

/**
 * Sends rows that arrive while a statement is in flight together in the next one: no added wait when
 * idle. One bad row fails its statement, which is then repeated row by row.
 */
export function createBatch<Row, Result>(batching: Batching<Row, Result>): Batch<Row, Result> {
  const { most, keyOf, run } = batching
  const counts: BatchCounts = { batches: 0, rows: 0 }
  let waiting: Waiting<Row, Result>[] = []
  // Those of a batch that failed: each goes alone, before the others.
  let alone: Waiting<Row, Result>[] = []
  let running = false

  function take(): Waiting<Row, Result>[] {
    if (alone.length > 0) return alone.splice(0, 1)
    const keys = new Set<string>()
    const taken: Waiting<Row, Result>[] = []
    const left: Waiting<Row, Result>[] = []
    for (const one of waiting) {
      const key = keyOf(one.row)
      if (taken.length === most || keys.has(key)) left.push(one)
      else taken.push(one)
      keys.add(key)
    }
    waiting = left
    return taken
  }

  async function send(batch: Waiting<Row, Result>[]): Promise<void> {
    counts.batches += 1
    counts.rows += batch.length
    try {
      const results = await run(batch.map(({ row }) => row))
      for (const [i, { resolve }] of batch.entries()) resolve(results[i] as Result)
    } catch (error) {
      const isAway = error instanceof AuthError
      if (batch.length > 1 && !isAway) {
        alone = batch
        return
      }
      // Who has waited for a graph that does not answer is not made to wait for it once more.
      const failed = isAway ? [...batch, ...alone.splice(0), ...waiting.splice(0)] : batch
      for (const { reject } of failed) reject(error)
    }
  }

  async function sendAll(): Promise<void> {
    running = true
    while (alone.length + waiting.length > 0) await send(take())
    running = false
  }

  function add(row: Row): Promise<Result> {
    return new Promise((resolve, reject) => {
      waiting.push({ row, resolve, reject })
      if (!running) void sendAll()
    })
  }
  return Object.assign(add, { counts })
}

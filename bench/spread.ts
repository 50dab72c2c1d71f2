/** The middle of several rounds, and how far they lie apart. */
export interface Spread {
  median: number
  min: number
  max: number
  /** The rounds, in the order in which they were run. */
  rounds: number[]
}

export function spreadOf(rounds: number[]): Spread {
  if (rounds.length === 0) throw new RangeError('no rounds')
  const sorted = rounds.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const upper = sorted[half] as number
  const lower = sorted.length % 2 === 0 ? (sorted[half - 1] as number) : upper
  return {
    median: (lower + upper) / 2,
    min: sorted[0] as number,
    max: sorted.at(-1) as number,
    rounds,
  }
}

/** The ratio of each round to the other's round of the same time. */
export function ratioOf(rounds: Spread, to: Spread): Spread {
  return spreadOf(rounds.rounds.map((value, i) => value / (to.rounds[i] as number)))
}

/** The value below which a share (0 to 1) of the sorted values lies. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

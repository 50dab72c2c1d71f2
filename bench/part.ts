import type { Spread } from './spread.ts'

/** One line of the table: what was measured, against what, and whether it reaches its target. */
export interface Figure {
  name: string
  /** What the figures count: `a second`, `ms`, `MB`. */
  unit: string
  ours: Spread
  /** What the same run measured on the same machine to compare with. */
  against?: { name: string; spread: Spread }
  /** Ours to the other's, round by round. */
  ratio?: Spread
  target?: Target
}

export interface Target {
  /** In words: `at least 0.8`. */
  text: string
  reached: boolean
}

export interface Bar {
  name: string
  spread: Spread
  /** Whether it is the service, not what it is compared with. */
  own: boolean
}

export interface Chart {
  title: string
  unit: string
  bars: Bar[]
}

/** What a part has found. */
export interface Findings {
  figures: Figure[]
  charts: Chart[]
  /** What a reader has to know beside the figures: p50, p99, sizes, what was left out and why. */
  notes: string[]
}

export function atLeast(value: number, ratio: Spread): Target {
  return { text: `at least ${value}`, reached: ratio.median >= value }
}

export function atMost(value: number, spread: Spread, unit = ''): Target {
  return { text: `at most ${value}${unit && ` ${unit}`}`, reached: spread.median <= value }
}

import type { Campaign, Exit, Fault, Line, Operation, Pause, Scan, Vital } from '../history.ts'

export type Invariant =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I10'
  | 'I11'
  | 'I12'

/** A line with its number in the file, from 1. */
export type Numbered<L> = L & { line: number }

export type Op = Numbered<Operation>

/** An invariant that did not hold. */
export interface Violation {
  invariant: Invariant
  /** When it was seen, in ms since the campaign began. */
  at: number
  what: string
  /** The lines that show it, those that promised before the one that broke the promise. */
  lines: number[]
}

/** A history by what its lines are about, each list by the time of its beginning. */
export interface Joined {
  campaign: Campaign
  operations: Op[]
  bySession: Map<string, Op[]>
  /** Registrations, changes of the password and log-ins. */
  byUser: Map<string, Op[]>
  faults: Numbered<Fault>[]
  exits: Numbered<Exit>[]
  scans: Numbered<Scan>[]
  pauses: Pause[]
  vitals: Numbered<Vital>[]
}

/** Throws when the history does not begin with what was run. */
export function join(lines: readonly Line[]): Joined {
  const [campaign] = lines
  if (campaign?.kind !== 'campaign') throw new Error('the history does not say what was run')
  const numbered = lines.map((line, i) => ({ ...line, line: i + 1 }))
  const operations = ofKind(numbered, 'op')
  const ofSessions = operations.filter(({ session }) => session !== undefined)
  const ofUsers = operations.filter(({ verb }) => ['register', 'change', 'login'].includes(verb))
  return {
    campaign,
    operations,
    bySession: Map.groupBy(ofSessions, ({ session }) => session as string),
    byUser: Map.groupBy(ofUsers, ({ user }) => user),
    faults: ofKind(numbered, 'fault'),
    exits: ofKind(numbered, 'exit'),
    scans: ofKind(numbered, 'scan'),
    pauses: ofKind(numbered, 'pause'),
    vitals: ofKind(numbered, 'vital'),
  }
}

function ofKind<K extends Line['kind']>(lines: Numbered<Line>[], kind: K) {
  const found = lines.filter((line) => line.kind === kind)
  return found.sort((a, b) => beginning(a) - beginning(b)) as Numbered<Extract<Line, { kind: K }>>[]
}

function beginning(line: Line): number {
  return line.kind === 'campaign' ? 0 : line.at
}

/** Acknowledged. */
export function isDone({ status }: Operation): boolean {
  return status !== null && status >= 200 && status < 300
}

/** Cut, or not served: it may have happened, now or later, or not. */
export function isOpen({ status }: Operation): boolean {
  return status === null || status >= 500
}

/** Acknowledged, or it may have happened. */
export function mayHaveHappened(operation: Operation): boolean {
  return isDone(operation) || isOpen(operation)
}

/** The first of a list for which something holds from some place on to its end; by halving. */
export function firstFrom<T>(list: readonly T[], holds: (item: T) => boolean): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(list[middle] as T)) high = middle
    else low = middle + 1
  }
  return low
}

/** The item with the least number; of several the first. */
export function least<T>(items: readonly T[], numberOf: (item: T) => number): T | undefined {
  let found: T | undefined
  let lowest = Number.POSITIVE_INFINITY
  for (const item of items) {
    const number = numberOf(item)
    if (number >= lowest) continue
    lowest = number
    found = item
  }
  return found
}

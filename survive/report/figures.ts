import type { Violation } from '../check/joined.ts'
import type { Campaign, Fault, Line, Operation, Start, Vital } from '../history.ts'

/** What a history shows beside its violations; times in ms. */
export interface Figures {
  engine: Campaign['engine']
  seed: number
  command: string
  seconds: number
  operations: number
  byVerb: Record<string, number>
  /** By status; `cut` for those without an answer. */
  byStatus: Record<string, number>
  /** How many operations were done that need the graph. */
  writes: number
  faults: FaultFigures[]
  violations: number
  /** Invariants that were violated. */
  violated: string[]
  /** Acknowledged, and not there any more. */
  lost: number
  /** Stops of the replica that was asked are taken off. */
  worstAnswerMs: number
  p99AnswerMs: number
  /** From when Bolt answered again until a replica had done something in the graph. */
  worstRecoveryMs: number | undefined
  /** From the start of a process until it said that it was ready, where the graph was there. */
  worstStartMs: number | undefined
  starts: number
  /** The most that any process took. */
  mostBytes: number
  mostFiles: number
}

export interface FaultFigures {
  fault: string
  count: number
  /** The longest time in which no replica concerned did anything in the graph. */
  longestMs: number
}

/** How long after a fault its effects are looked for. */
const AFTERMATH_MS = 10_000

export function figuresOf(lines: readonly Line[], violations: readonly Violation[]): Figures {
  const campaign = lines[0] as Campaign
  const operations = kind<Operation>(lines, 'op')
  const faults = kind<Fault>(lines, 'fault')
  const starts = kind<Start>(lines, 'start')
  const vitals = kind<Vital>(lines, 'vital')
  const stops = faults.filter(({ stopped }) => stopped)
  const free = operations.filter(
    (op) =>
      !stops.some((stop) => stop.stopped === op.replica && stop.at < op.end && stop.end > op.at),
  )
  const times = free.map(({ at, end }) => end - at).sort((a, b) => a - b)
  const done = doneByReplica(operations)
  const ended = Math.max(0, ...operations.slice(-1_000).map(({ end }) => end))
  const away = faults.filter(({ severed, graphDown }) => severed || graphDown)
  const undisturbed = starts.filter(
    (start) => !away.some((fault) => isOutage(fault) && overlaps(fault, start)),
  )
  return {
    engine: campaign.engine,
    seed: campaign.seed,
    command: campaign.command,
    seconds: ended / 1000,
    operations: operations.length,
    byVerb: counts(operations, ({ verb }) => verb),
    byStatus: counts(operations, ({ status }) => String(status ?? 'cut')),
    writes: [...done.values()].flat().length,
    faults: faultFigures(faults, done, ended),
    violations: violations.length,
    violated: [...new Set(violations.map(({ invariant }) => invariant))],
    lost: violations.filter(({ invariant }) => invariant === 'I5').length,
    worstAnswerMs: times.at(-1) ?? 0,
    p99AnswerMs: times[Math.floor(times.length * 0.99)] ?? 0,
    worstRecoveryMs: worst(faults.map((fault) => recovery(fault, done))),
    worstStartMs: worst(undisturbed.map(({ at, end }) => end - at)),
    starts: undisturbed.length,
    mostBytes: Math.max(0, ...vitals.map(({ residentBytes }) => residentBytes)),
    mostFiles: Math.max(0, ...vitals.map(({ openFiles }) => openFiles)),
  }
}

function kind<L extends Line>(lines: readonly Line[], name: L['kind']): L[] {
  return lines.filter((line): line is L => line.kind === name)
}

function counts<T>(items: readonly T[], nameOf: (item: T) => string): Record<string, number> {
  const groups = Object.entries(Object.groupBy(items, nameOf))
  return Object.fromEntries(groups.map(([name, group]) => [name, group?.length ?? 0]).sort())
}

/** When each replica has done something that needs the graph, in order. */
function doneByReplica(operations: readonly Operation[]): Map<string, number[]> {
  const needing = operations.filter(
    ({ verb, status }) => verb !== 'verify' && status !== null && status < 300,
  )
  const groups = Map.groupBy(needing, ({ replica }) => replica)
  return new Map(
    [...groups].map(([name, group]) => [name, group.map(({ end }) => end).sort((a, b) => a - b)]),
  )
}

function faultFigures(
  faults: readonly Fault[],
  done: Map<string, number[]>,
  ended: number,
): FaultFigures[] {
  const groups = Map.groupBy(faults, ({ fault }) => fault)
  return [...groups].map(([fault, group]) => {
    const gaps = group.flatMap((one) => {
      // What lies after the campaign's end says nothing.
      const till = Math.min((one.back ?? one.end) + AFTERMATH_MS, ended)
      return concerned(one, done).map((times) => longestGap(times, one.at, till))
    })
    return { fault, count: group.length, longestMs: Math.max(0, ...gaps) }
  })
}

/** The replicas that a fault is about, by what they have done. */
function concerned({ target, severed }: Fault, done: Map<string, number[]>): number[][] {
  const names = severed ?? (done.has(target) ? [target] : [...done.keys()])
  return names.map((name) => done.get(name) ?? [])
}

function longestGap(times: readonly number[], from: number, to: number): number {
  const within = times.filter((time) => time > from && time < to)
  const before = times.findLast((time) => time <= from) ?? from
  const after = times.find((time) => time >= to) ?? to
  const marks = [before, ...within, after]
  return Math.max(0, ...marks.slice(1).map((mark, i) => mark - (marks[i] as number)))
}

function recovery(fault: Fault, done: Map<string, number[]>): number | undefined {
  if (!fault.severed) return undefined
  const back = fault.back ?? fault.end
  const times = concerned(fault, done).map((all) => {
    const next = all.find((time) => time > back)
    return next === undefined ? undefined : next - back
  })
  return worst(times)
}

function isOutage({ fault }: Fault): boolean {
  return !['kill-service', 'term-service'].includes(fault)
}

function overlaps(fault: Fault, { at, end }: Start): boolean {
  return fault.at < end && (fault.back ?? fault.end) + 3_000 > at
}

function worst(numbers: readonly (number | undefined)[]): number | undefined {
  const known = numbers.filter((number) => number !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

import type { Span, Vital } from '../history.ts'
import { firstFrom, isDone, type Joined, type Op, type Violation } from './joined.ts'
import { clockSteps, livesOf } from './lives.ts'

/** What a status may be: the contract's, and no others. */
const STATUSES = [200, 201, 400, 401, 403, 404, 405, 409, 413, 429, 431, 503]
/** A process has so many files and sockets open at the most: the load's, the pool's, its own. */
const MOST_FILES = 1_500
/** A stop takes the time that the settings give it, and a little to leave. */
const STOP_MS = 12_000

/** I8: a 200 while the graph was out of reach was confirmed within N before; and in its token's time. */
export function checkConfirmed(history: Joined): Violation[] {
  const { operations, bySession, faults, campaign } = history
  const severed = new Map(
    campaign.replicas.map((name) => {
      const windows = faults.filter((fault) => fault.severed?.includes(name))
      return [name, windows] as const
    }),
  )
  const isStepped = clockSteps(history)
  const silent = operations.flatMap((op): Violation[] => {
    if (op.verb !== 'verify' || !isDone(op)) return []
    const windows = severed.get(op.replica) ?? []
    const window = windows[firstFrom(windows, ({ at }) => at >= op.at) - 1]
    if (!window || op.at <= window.at + campaign.stalenessMs || op.end >= window.end) return []
    const ms = Math.round(op.at - window.at)
    const what = `a token was called valid ${ms} ms after the graph had gone out of reach`
    return [{ invariant: 'I8', at: op.end, what, lines: [window.line, op.line] }]
  })
  const late = [...bySession.values()].flatMap((session): Violation[] => {
    const lives = livesOf(session)
    const bad = session.find((op) => {
      const life = op.verb === 'verify' && isDone(op) && lives.get(op.token ?? '')
      if (!life || op.at <= life.latestEnd + campaign.stalenessMs) return false
      return !isStepped(life.given.at, op.end)
    })
    if (!bad) return []
    const given = lives.get(bad.token ?? '')?.given as Op
    const what = 'a token was called valid after its time'
    return [{ invariant: 'I8', at: bad.end, what, lines: [given.line, bad.line] }]
  })
  return [...silent, ...late]
}

/**
 * I10: every request is answered or cut in time, nothing ends or grows that should not. What the
 * campaign or the machine held up itself does not count.
 */
export function checkAnswers({
  operations,
  faults,
  exits,
  pauses,
  vitals,
  campaign,
}: Joined): Violation[] {
  const found: Violation[] = []
  const looks = Map.groupBy(vitals, ({ replica }) => replica)
  const stops = Map.groupBy(
    faults.filter(({ stopped }) => stopped !== undefined),
    ({ stopped }) => stopped as string,
  )
  for (const op of operations) {
    const { at, end, line, verb, status } = op
    if (end - at > campaign.answerMs) {
      const own = stops.get(op.replica) ?? []
      const waited = waitedIn(op, looks.get(op.replica) ?? [])
      const ms = Math.round(end - at - overlap(op, own) - overlap(op, pauses) - waited)
      const what = `${verb} was answered after ${ms} ms`
      if (ms > campaign.answerMs) found.push({ invariant: 'I10', at: end, what, lines: [line] })
    }
    if (status !== null && !STATUSES.includes(status)) {
      const what = `${verb} was answered with ${status}`
      found.push({ invariant: 'I10', at: end, what, lines: [line] })
    }
  }
  for (const { at, end, line, replica, code, signal, sent } of exits) {
    const how = signal ?? `code ${code}`
    const isOrderly = sent === 'SIGTERM' && code === 0 && end - at < STOP_MS
    if (sent === 'SIGKILL' || isOrderly) continue
    const what = sent
      ? `${replica} took ${Math.round(end - at)} ms to end with ${how} after ${sent}`
      : `${replica} ended by itself with ${how}`
    found.push({ invariant: 'I10', at: end, what, lines: [line] })
  }
  for (const { at, line, replica, openFiles } of vitals) {
    if (openFiles <= MOST_FILES) continue
    const what = `${replica} has ${openFiles} files and sockets open`
    found.push({ invariant: 'I10', at, what, lines: [line] })
  }
  return found
}

/** How long a replica was not let run by its machine, in the looks around a span, in ms. */
function waitedIn({ at, end }: Span, looks: readonly Vital[]): number {
  const after =
    looks[
      Math.min(
        firstFrom(looks, (look) => look.at >= end),
        looks.length - 1,
      )
    ]
  const before = looks[Math.max(firstFrom(looks, (look) => look.at > at) - 1, 0)]
  if (!after || !before || after.pid !== before.pid) return 0
  return Math.max(0, after.waitedMs - before.waitedMs)
}

/** How much of a span lies in others that do not overlap, in ms. */
function overlap({ at, end }: Span, others: readonly Span[]): number {
  let sum = 0
  for (let i = firstFrom(others, (other) => other.end > at); i < others.length; i += 1) {
    const other = others[i] as Span
    if (other.at >= end) break
    sum += Math.min(end, other.end) - Math.max(at, other.at)
  }
  return sum
}

/** I11: an answer names the user and the session of the token that was sent, and of no other. */
export function checkNamed({ operations }: Joined): Violation[] {
  const sessions = new Map<string, Op>()
  const saids = new Map<string, Op>()
  return operations.flatMap((op): Violation[] => {
    if (!op.said) return []
    if (op.said.user !== op.user) {
      const what = `a token of ${op.user} was said to be one of ${op.said.user}`
      return [{ invariant: 'I11', at: op.end, what, lines: [op.line] }]
    }
    const before = sessions.get(op.session ?? '')
    const other = saids.get(op.said.session)
    sessions.set(op.session ?? '', before ?? op)
    saids.set(op.said.session, other ?? op)
    const bad =
      before && before.said?.session !== op.said.session
        ? before
        : other && other.session !== op.session
          ? other
          : undefined
    if (!bad) return []
    const what = 'a token was said to be of another session'
    return [{ invariant: 'I11', at: op.end, what, lines: [bad.line, op.line] }]
  })
}

/** I12: no password, token or secret in a log, an error's body, a metric or the graph. */
export function checkSecrets({ scans }: Joined): Violation[] {
  return scans
    .filter(({ found }) => found > 0)
    .map(({ end, line, where, found }) => {
      return { invariant: 'I12', at: end, what: `${where}: ${found} secrets`, lines: [line] }
    })
}

import {
  firstFrom,
  isDone,
  isOpen,
  type Joined,
  least,
  mayHaveHappened,
  type Op,
  type Violation,
} from './joined.ts'
import { clockSteps, type Life, livesOf } from './lives.ts'

/** Clocks of two processes on one machine, and the rounding of each, in ms. */
const SLACK_MS = 50

/** What ends sessions and tokens, and what must not: I1, I2, I3, I5, I6, I7, I9. */
export function checkSessions(history: Joined): Violation[] {
  const { bySession, byUser, campaign, faults } = history
  const isStepped = clockSteps(history)
  const downs = faults.filter(({ graphDown }) => graphDown)
  return [...bySession.values()].flatMap((operations) => {
    const changes = (byUser.get(operations[0]?.user ?? '') ?? []).filter(isChange)
    return checkSession({ operations, changes, isStepped, downs, ...campaign })
  })
}

interface Session {
  /** By the time of their beginning. */
  operations: Op[]
  /** Of the user's password, those that were refused left out. */
  changes: Op[]
  isStepped: ReturnType<typeof clockSteps>
  downs: { at: number; end: number }[]
  stalenessMs: number
  graceMs: number
}

function isChange(op: Op): boolean {
  return op.verb === 'change' && mayHaveHappened(op)
}

function checkSession(session: Session): Violation[] {
  const { operations } = session
  const lives = livesOf(operations)
  const byToken = Map.groupBy(
    operations.filter(({ token }) => token !== undefined),
    ({ token }) => token as string,
  )
  const wholeEnd = endOf(operations, 'session')
  const changed = changeAfter(session)
  const mayEnd = possibleEnd(session, byToken)
  return [...byToken].flatMap(([token, sent]) => {
    const life = lives.get(token)
    return [
      ...afterEnd(sent, wholeEnd, session),
      ...afterEnd(sent, endOf(sent, 'token'), session),
      ...afterChange(sent, changed, session),
      ...afterRefusal(sent, life, session),
      ...successors(sent, session),
      ...(life ? refusals(sent, life, mayEnd, session) : []),
    ]
  })
}

/** The first acknowledged end. */
function endOf(operations: Op[], scope: 'session' | 'token'): Op | undefined {
  const ends = operations.filter((op) => op.verb === 'end' && op.scope === scope && isDone(op))
  return least(ends, ({ end }) => end)
}

// I1: no request begun after the acknowledgement and N more sees any token of it valid.
function afterEnd(sent: Op[], ended: Op | undefined, { stalenessMs }: Session): Violation[] {
  if (!ended) return []
  const bad = sent.find((op) => isDone(op) && op.at > ended.end + stalenessMs)
  if (!bad) return []
  const ms = Math.round(bad.at - ended.end)
  const what = `${bad.verb} took a token ${ms} ms after its ${ended.scope} had been ended`
  return [violation('I1', bad, what, ended)]
}

// I6: what was opened with the old password, or while it was changed, is over.
function afterChange(sent: Op[], changed: Op | undefined, { stalenessMs }: Session): Violation[] {
  if (!changed) return []
  const bad = sent.find((op) => isDone(op) && op.at > changed.end + stalenessMs)
  if (!bad) return []
  const what = `${bad.verb} took a token of a session opened with the password before this change`
  return [violation('I6', bad, what, changed)]
}

/** The first acknowledged change of the password that the session was opened with. */
function changeAfter({ operations, changes }: Session): Op | undefined {
  const login = operations.find(({ verb }) => verb === 'login')
  if (!login) return undefined
  const byEnd = changes.filter(isDone).sort((a, b) => a.end - b.end)
  const first = firstFrom(byEnd, ({ end }) => end > login.at)
  return byEnd.slice(first).find(({ at, password }) => {
    if (password === login.password) return false
    // The session's own password may have come after this one.
    return changes.every(
      (other) => other.password !== login.password || (isDone(other) && other.end < at),
    )
  })
}

// I2: what one replica has refused it never takes again; the others at most until they know of it.
function afterRefusal(sent: Op[], life: Life | undefined, session: Session): Violation[] {
  const { stalenessMs, isStepped } = session
  const refused = sent.filter(
    (op) => (op.verb === 'verify' || op.verb === 'end') && !op.respelled && refusalOf(op),
  )
  if (refused.length === 0) return []
  const byReplica = Map.groupBy(refused, ({ replica }) => replica)
  const firstOf = new Map([...byReplica].map(([name, ops]) => [name, least(ops, endTime)]))
  const first = least(refused, endTime)
  for (const op of sent) {
    if (op.verb !== 'verify' || !isDone(op)) continue
    const here = firstOf.get(op.replica)
    const before =
      here && op.at > here.end ? here : first && op.at > first.end + stalenessMs ? first : undefined
    if (!before) continue
    const isClock = refusalOf(before) === 'expired' && isStepped(life?.given.at ?? 0, op.end)
    if (!isClock) return [violation('I2', op, 'a token that had been refused was valid', before)]
  }
  return []
}

// I3: one successor, and an end of the old token after the grace.
function successors(sent: Op[], { graceMs, stalenessMs, isStepped }: Session): Violation[] {
  const made = sent.filter((op) => op.verb === 'refresh' && isDone(op) && op.made)
  const first = least(made, endTime)
  if (!first) return []
  const other = made.find((op) => op.made?.token !== first.made?.token)
  if (other) return [violation('I3', other, 'a token was given two successors', first)]
  const till = first.end + graceMs + stalenessMs
  const late = sent.find((op) => op.verb !== 'end' && isDone(op) && op.at > till)
  // A grace is time, which is another one while the clock is set.
  if (!late || isStepped(first.at, late.end)) return []
  const what = `a token was taken ${Math.round(late.at - first.end)} ms after it was refreshed`
  return [violation('I3', late, what, first)]
}

// I5, I7, I9: a token that was given is refused for a reason, or not at all.
function refusals(
  sent: Op[],
  life: Life,
  mayEnd: (token: string) => number,
  session: Session,
): Violation[] {
  const { isStepped, downs } = session
  for (const op of sent) {
    const refusal = op.respelled ? undefined : refusalOf(op)
    if (!refusal || isStepped(life.given.at, op.end)) continue
    if (refusal === 'invalid') {
      const seen = sent.findLast((other) => isDone(other) && other.end < op.at)
      const isLost = !seen || downs.some(({ at, end }) => at <= op.end && end >= seen.at)
      const [invariant, what] = isLost
        ? (['I5', 'a token that had been given was not known'] as const)
        : (['I7', 'a token was known and then was not, and no graph had failed'] as const)
      return [violation(invariant, op, what, seen ?? life.given)]
    }
    if (refusal === 'expired' && op.end < life.earliestEnd) {
      const ms = Math.round(life.earliestEnd - op.end)
      return [violation('I9', op, `a token was over ${ms} ms before its time`, life.given)]
    }
    // A refresh is refused, too, when it is the successor that was ended.
    if (op.verb !== 'verify' || refusal !== 'blacklisted') continue
    if (op.end + SLACK_MS < mayEnd(op.token as string)) {
      return [violation('I9', op, 'a token was ended, and nobody had asked for that', life.given)]
    }
  }
  return []
}

/** From when on a token may be blacklisted, by what was asked for; infinite for never. */
function possibleEnd(
  { operations, changes, graceMs }: Session,
  byToken: Map<string, Op[]>,
): (token: string) => number {
  const opened = operations.find(({ verb }) => verb === 'login')?.at ?? 0
  let whole = Number.POSITIVE_INFINITY
  for (const op of changes) if (isOpen(op) || op.end > opened) whole = Math.min(whole, op.at)
  const own = new Map<string, number>()
  for (const [token, sent] of byToken) {
    let end = Number.POSITIVE_INFINITY
    let grace = Number.POSITIVE_INFINITY
    for (const op of sent) {
      if (op.verb === 'end' && mayHaveHappened(op)) {
        if (op.scope === 'session') whole = Math.min(whole, op.at)
        else end = Math.min(end, op.at)
      }
      // Sent again after its grace, it ends the session.
      if (op.verb !== 'verify' && op.end + SLACK_MS >= grace) whole = Math.min(whole, op.at)
      if (op.verb === 'refresh' && mayHaveHappened(op)) grace = Math.min(grace, op.at + graceMs)
    }
    own.set(token, Math.min(end, grace))
  }
  return (token) => Math.min(whole, own.get(token) ?? Number.POSITIVE_INFINITY)
}

function endTime({ end }: Op): number {
  return end
}

function refusalOf({ code }: Op): 'expired' | 'blacklisted' | 'invalid' | undefined {
  const [, state] = /^token_is_(expired|blacklisted|invalid)$/.exec(code ?? '') ?? []
  return state as 'expired' | 'blacklisted' | 'invalid' | undefined
}

function violation(
  invariant: Violation['invariant'],
  op: Op,
  what: string,
  ...promised: Op[]
): Violation {
  return { invariant, at: op.end, what, lines: [...promised.map(({ line }) => line), op.line] }
}

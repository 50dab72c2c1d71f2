import test, { type ExecutionContext } from 'ava'
import { check, explain } from '../../survive/check/check.ts'
import type { Invariant } from '../../survive/check/joined.ts'
import type { Campaign, Fault, Line, Operation, Verb } from '../../survive/history.ts'

const CAMPAIGN: Campaign = {
  kind: 'campaign',
  engine: 'neo4j',
  seed: 42,
  command: 'npm run survive -- --seed 42',
  date: '2026-01-01T00:00:00.000Z',
  replicas: ['a', 'b'],
  stalenessMs: 1_000,
  graceMs: 2_000,
  answerMs: 3_000,
}

const LIFE_MS = 30_000

/** An operation of 10 ms that succeeds, but for what is said otherwise. */
function op(verb: Verb, at: number, more: Partial<Operation> = {}): Operation {
  const status = verb === 'register' || verb === 'change' ? 201 : 200
  const ofToken = verb === 'register' || verb === 'change' ? {} : { session: 's1', token: 't1' }
  const end = at + 10
  const base = { kind: 'op', verb, worker: 1, replica: 'a', user: 'ann', at, end, status } as const
  return { ...base, ...ofToken, ...(verb === 'verify' && status === 200 && said()), ...more }
}

function said(user = 'ann', session = 'S1') {
  return { said: { user, session } }
}

function login(at: number, more: Partial<Operation> = {}): Operation {
  const { token: _, ...one } = op('login', at, { password: 0 })
  return { ...one, made: { token: 't1', lifeMs: LIFE_MS }, ...more }
}

function refresh(at: number, made: string, more: Partial<Operation> = {}): Operation {
  return op('refresh', at, { made: { token: made, lifeMs: LIFE_MS }, ...more })
}

/** A verify that is refused. */
function refused(at: number, state: string, more: Partial<Operation> = {}): Operation {
  const { said: _, ...one } = op('verify', at)
  const status = state === 'invalid' ? 400 : 401
  return { ...one, status, code: `token_is_${state}`, ...more }
}

/** Cut, or not served: it may have happened. */
function open(operation: Operation, status: 503 | null = 503): Operation {
  const { made: _, said: __, ...one } = operation
  return { ...one, status }
}

function fault(at: number, end: number, more: Partial<Fault>): Fault {
  return { kind: 'fault', fault: 'silence', target: 'b', at, end, ...more }
}

function violated(lines: Line[]): Invariant[] {
  return [...new Set(check([CAMPAIGN, ...lines]).map(({ invariant }) => invariant))]
}

/** A history in which all of these and no others are violated. */
function bad(title: string, invariant: Invariant, lines: Line[]): void {
  test(`${invariant}, violated: ${title}`, (t) => {
    t.deepEqual(violated(lines), [invariant])
    shows(t, lines)
  })
}

function good(title: string, lines: Line[]): void {
  test(`nothing violated: ${title}`, (t) => t.deepEqual(violated(lines), []))
}

/** The lines that are named are those of the history. */
function shows(t: ExecutionContext, lines: Line[]): void {
  const [first] = check([CAMPAIGN, ...lines])
  t.true((first?.lines.length ?? 0) > 0)
  for (const number of first?.lines ?? []) t.true(number >= 2 && number <= lines.length + 1)
}

const registered = op('register', 0, { password: 0 })
const opened = [registered, login(100)]

good('a life from a registration to a log-out', [
  ...opened,
  op('verify', 200),
  refresh(300, 't2'),
  op('verify', 400, { token: 't2', replica: 'b' }),
  op('verify', 2_200),
  refused(5_000, 'blacklisted'),
  op('end', 5_500, { token: 't2', scope: 'session' }),
  op('verify', 6_400, { token: 't2', replica: 'b' }),
  refused(6_600, 'blacklisted', { token: 't2', replica: 'b' }),
  refused(40_000, 'expired', { token: 't2' }),
])

bad('a token is taken more than N after its session was ended', 'I1', [
  ...opened,
  op('end', 200, { scope: 'session' }),
  op('verify', 1_211, { replica: 'b' }),
])
bad('another token of the session is taken', 'I1', [
  ...opened,
  refresh(200, 't2'),
  op('end', 300, { scope: 'session' }),
  op('verify', 1_400, { token: 't2' }),
])
bad('a refresh takes it', 'I1', [
  ...opened,
  op('end', 200, { scope: 'session' }),
  refresh(1_300, 't2'),
])
bad('another spelling of it is taken', 'I1', [
  ...opened,
  op('end', 200, { scope: 'session' }),
  op('verify', 1_300, { respelled: true }),
])
bad('it is ended alone, and taken', 'I1', [
  ...opened,
  op('end', 200, { scope: 'token' }),
  op('verify', 1_300),
])
good('a token is taken within N after its end, by another replica', [
  ...opened,
  op('end', 200, { scope: 'session' }),
  op('verify', 1_200, { replica: 'b' }),
])
good('the session of a token that was ended alone lives on', [
  ...opened,
  refresh(200, 't2'),
  op('end', 300, { scope: 'token' }),
  op('verify', 3_000, { token: 't2' }),
])
good('what may have been ended lives, or does not', [
  ...opened,
  open(op('end', 200, { scope: 'session' })),
  op('verify', 3_000),
  refused(3_100, 'blacklisted'),
])

bad('a token is taken by the replica that has refused it', 'I2', [
  ...opened,
  open(op('end', 200, { scope: 'session' })),
  refused(300, 'blacklisted'),
  op('verify', 320),
])
bad('a token is taken by another replica, more than N after it was refused', 'I2', [
  ...opened,
  open(op('end', 200, { scope: 'session' }), null),
  refused(300, 'blacklisted'),
  op('verify', 1_320, { replica: 'b' }),
])
good('the other replica need not know yet', [
  ...opened,
  open(op('end', 200, { scope: 'session' })),
  refused(300, 'blacklisted'),
  op('verify', 320, { replica: 'b' }),
])
good('what was expired is valid again while the clock is stepped back', [
  ...opened,
  fault(150, 1_600, { fault: 'clock', graphClock: true }),
  refused(2_000, 'expired'),
  op('verify', 4_000),
])

bad('two successors', 'I3', [...opened, refresh(200, 't2'), refresh(205, 't3', { replica: 'b' })])
bad('the old token lives past the grace', 'I3', [
  ...opened,
  refresh(200, 't2'),
  op('verify', 3_211),
])
good('the same successor, however often', [
  ...opened,
  open(refresh(200, 't2')),
  refresh(300, 't2'),
  refresh(310, 't2', { replica: 'b' }),
])

bad('two registrations of a name', 'I4', [
  registered,
  op('register', 5, { password: 1, replica: 'b' }),
])
const taken = { status: 409, code: 'user_already_exists' }
bad('all are told that the name is taken', 'I4', [
  op('register', 0, { password: 0, ...taken }),
  op('register', 5, { password: 1, ...taken }),
])
const wrong = { status: 401, code: 'bad_credentials' }
function failedLogin(at: number, password: number, how: object): Operation {
  const { made: _, session: __, ...one } = login(at, { password })
  return { ...one, ...how }
}
bad('its password does not log in', 'I4', [registered, failedLogin(100, 0, wrong)])
bad("a loser's password logs in", 'I4', [
  registered,
  op('register', 5, { password: 1, ...taken }),
  login(100, { password: 1 }),
])
good('a registration whose answer was lost', [
  open(op('register', 0, { password: 0 })),
  op('register', 50, { password: 1, ...taken }),
  login(100),
])

const unknown = { status: 400, code: 'user_does_not_exist' }
bad('a user who was registered is not known', 'I5', [registered, failedLogin(100, 0, unknown)])
bad('a token is not known after its log-in', 'I5', [...opened, refused(200, 'invalid')])
bad('a token is not known any more after the graph was killed', 'I5', [
  ...opened,
  op('verify', 200),
  fault(300, 900, { fault: 'kill-graph', graphDown: true }),
  refused(1_000, 'invalid'),
])
const changed = op('change', 200, { password: 1 })
bad('a password that was set does not log in', 'I5', [
  registered,
  changed,
  failedLogin(300, 1, wrong),
])
bad('a password that was changed logs in', 'I5', [registered, changed, login(300)])
good('which of two passwords holds is not known when an answer was lost', [
  registered,
  open(changed),
  login(300),
  login(400, { password: 1, session: 's2', made: { token: 't9', lifeMs: LIFE_MS } }),
  failedLogin(500, 0, wrong),
])

bad('a session from before a change of the password lives', 'I6', [
  ...opened,
  changed,
  op('verify', 1_300),
])
bad('a session that was opened while it was changed, with the old one, lives', 'I6', [
  registered,
  login(195, { end: 230 }),
  changed,
  op('verify', 1_300, { replica: 'b' }),
])
good('a session that was opened while it was changed, with the new one', [
  registered,
  changed,
  login(205, { password: 1 }),
  op('verify', 2_000),
])

bad('a token that was known is not, and no graph had failed', 'I7', [
  ...opened,
  op('verify', 200),
  { kind: 'prune', at: 300, end: 400, code: 0 },
  refused(500, 'invalid'),
])
bad('what was expired is not known after a prune', 'I7', [
  ...opened,
  op('verify', 200),
  refused(40_000, 'expired'),
  { kind: 'prune', at: 50_000, end: 50_100, code: 0 },
  refused(50_200, 'invalid'),
])
good('another spelling is invalid', [...opened, refused(200, 'invalid', { respelled: true })])

const silence = fault(1_000, 9_000, { severed: ['b'] })
bad('valid without a graph for more than N', 'I8', [
  ...opened,
  op('verify', 2_100, { replica: 'b' }),
  silence,
])
bad('valid after its time', 'I8', [...opened, op('verify', 32_000)])
good('valid within N, or by the replica that has its graph, or as it comes back', [
  ...opened,
  op('verify', 1_900, { replica: 'b' }),
  op('verify', 2_100),
  op('verify', 8_995, { replica: 'b', end: 9_050 }),
  silence,
])

bad('a session ends, and nobody asked for that', 'I9', [...opened, refused(200, 'blacklisted')])
bad('the old token ends before its grace is over', 'I9', [
  ...opened,
  refresh(200, 't2'),
  refused(1_500, 'blacklisted'),
])
bad('a token is expired before its time', 'I9', [...opened, refused(20_000, 'expired')])
bad("a session of another user's change ends", 'I9', [
  ...opened,
  op('change', 150, { user: 'bob', password: 1 }),
  refused(300, 'blacklisted'),
])
good('reuse after the grace ends the session', [
  ...opened,
  refresh(200, 't2'),
  op('refresh', 4_000, { status: 401, code: 'token_is_blacklisted' }),
  refused(4_100, 'blacklisted', { token: 't2' }),
])

bad('an answer takes more than 3 s', 'I10', [...opened, op('verify', 200, { end: 3_300 })])
bad('a cut, too', 'I10', [...opened, { ...open(op('verify', 200), null), end: 3_300 }])
bad('a 500', 'I10', [...opened, { ...open(op('verify', 200)), status: 500 }])
bad('a process ends by itself', 'I10', [
  { kind: 'exit', replica: 'a', at: 5, end: 5, code: 1, signal: null },
])
bad('a stop takes too long', 'I10', [
  {
    kind: 'exit',
    replica: 'a',
    at: 5,
    end: 15_005,
    code: null,
    signal: 'SIGKILL',
    sent: 'SIGTERM',
  },
])
bad('sockets without bound', 'I10', [
  {
    kind: 'vital',
    at: 5,
    replica: 'a',
    pid: 1,
    residentBytes: 1,
    openFiles: 9_000,
    waitedMs: 0,
    requests: 1,
  },
])
good('what was held up by a stop of the process, or of the campaign, is no late answer', [
  ...opened,
  op('verify', 200, { end: 5_000 }),
  fault(300, 3_300, { fault: 'stop-service', stopped: 'a' }),
  op('verify', 6_000, { end: 9_100, replica: 'b' }),
  { kind: 'pause', at: 7_000, end: 7_200 },
  { kind: 'exit', replica: 'b', at: 9_500, end: 9_600, code: 0, signal: null, sent: 'SIGTERM' },
])

bad("another user's name", 'I11', [...opened, op('verify', 200, said('bob'))])
bad("another session's id", 'I11', [
  ...opened,
  op('verify', 200),
  login(300, { session: 's2', made: { token: 't9', lifeMs: LIFE_MS } }),
  op('verify', 400, { session: 's2', token: 't9' }),
])

bad('a password in a log', 'I12', [
  { kind: 'scan', where: 'log of a', at: 5, end: 6, bytes: 100, found: 1 },
])
good('a log without', [{ kind: 'scan', where: 'log of a', at: 5, end: 6, bytes: 100, found: 0 }])

test('the first violation is told with its lines, the seed and the command', (t) => {
  const lines = [
    CAMPAIGN,
    ...opened,
    op('end', 200, { scope: 'session' }),
    op('verify', 2_000),
    op('verify', 3_000),
  ]
  const text = explain(lines, check(lines))
  t.regex(text, /^I1 was violated at 2\.010 s/)
  t.true(text.includes(`4: ${JSON.stringify(lines[3])}`))
  t.true(text.includes(`5: ${JSON.stringify(lines[4])}`))
  t.true(text.includes('Seed 42; to see it again: npm run survive -- --seed 42'))
})

test('a long history takes no more than n log n: 200,000 lines in seconds', (t) => {
  const lines: Line[] = [CAMPAIGN]
  for (let i = 0; i < 2_000; i += 1) {
    const own = { user: `u${i % 50}`, session: `s${i}`, token: `t${i}` }
    const at = i * 10
    const made = { token: own.token, lifeMs: 10_000_000 }
    lines.push(login(at, { user: own.user, session: own.session, made }))
    for (let k = 0; k < 99; k += 1) {
      lines.push(op('verify', at + 20 + k, { ...own, ...said(own.user, `S${i}`) }))
    }
  }
  const begun = performance.now()
  t.deepEqual(check(lines), [])
  t.true(performance.now() - begun < 10_000)
})

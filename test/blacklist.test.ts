import test from 'ava'
import {
  type BlacklistEntry,
  EVERYONE,
  isCallerEnded,
  isPastGrace,
  type Scope,
  type Sight,
  stateOf,
} from '../src/blacklist.ts'
import type { Token } from '../src/token.ts'

const NOW = 1_700_000_100_000

const token: Token = {
  id: 'the token',
  kid: 'the key',
  issuedAt: 1_700_000_000_000,
  expiresAt: 1_700_000_900_000,
  authTime: 1_700_000_000_000,
  user: { id: 'the user', username: 'ada', generation: 5 },
  tenant: { id: 'the tenant', generation: 7 },
  sessions: ['root', 'middle', 'own'],
}

function entry(scope: Scope, id: string, more: Partial<BlacklistEntry> = {}): BlacklistEntry {
  return {
    seq: 1,
    scope,
    id,
    generation: null,
    before: null,
    kind: 'ended',
    at: NOW - 1000,
    from: NOW - 1000,
    until: token.expiresAt,
    reason: 'logout',
    operation: 'an operation',
    ...more,
  }
}

function superseded(from: number, id = token.id): BlacklistEntry {
  return entry('token', id, { kind: 'superseded', from, reason: 'refresh' })
}

function known(...entries: BlacklistEntry[]): Sight {
  return { known: true, entries }
}

test('a known token without an entry is valid until the instant that it expires', (t) => {
  t.is(stateOf(token, known(), token.issuedAt), 'valid')
  t.is(stateOf(token, known(), token.expiresAt - 1), 'valid')
  t.is(stateOf(token, known(), token.expiresAt), 'expired')
  t.is(stateOf(token, known(), token.expiresAt + 1), 'expired')
})

test('an entry about a caller or a key is none about a token, whatever its id', (t) => {
  for (const scope of ['caller', 'key'] as const) {
    for (const id of ['the token', 'own', 'the user', 'the tenant']) {
      t.is(stateOf(token, known(entry(scope, id)), NOW), 'valid')
    }
  }
})

test('a caller has ended by an ended entry at once, by a superseded one from its time on', (t) => {
  const later = superseded(NOW + 1)
  t.false(isCallerEnded([], NOW))
  t.true(isCallerEnded([entry('caller', 'c', { from: NOW + 1 })], NOW))
  t.false(isCallerEnded([later], NOW))
  t.true(isCallerEnded([later], NOW + 1))
  t.true(isCallerEnded([later, entry('key', 'k')], NOW))
})

test('a token that the graph does not know is invalid', (t) => {
  t.is(stateOf(token, { known: false, entries: [] }, NOW), 'invalid')
})

for (const [scope, ids] of [
  ['token', ['the token']],
  ['session', ['root', 'middle', 'own']],
  ['user', ['the user']],
  ['tenant', ['the tenant']],
] as const) {
  for (const id of ids) {
    test(`an entry about the ${scope} "${id}" on its path blacklists a token`, (t) => {
      t.is(stateOf(token, known(entry(scope, id)), NOW), 'blacklisted')
    })
  }

  test(`an entry about another ${scope} does not concern a token`, (t) => {
    const others: Scope[] = ['token', 'session', 'user', 'tenant']
    const misplaced = others
      .filter((other) => other !== scope)
      .flatMap((other) => ids.map((id) => entry(other, id)))
    const entries = [entry(scope, 'another'), entry(scope, ''), ...misplaced]
    t.is(stateOf(token, known(...entries), NOW), 'valid')
  })
}

test('an entry about a user ends its generation and those before it', (t) => {
  const at = (generation: number) =>
    stateOf(token, known(entry('user', 'the user', { generation })), NOW)
  t.is(at(4), 'valid')
  t.is(at(5), 'blacklisted')
  t.is(at(6), 'blacklisted')
  t.is(at(0), 'valid')
})

test('an entry about a tenant ends its generation and those before it', (t) => {
  const at = (generation: number) =>
    stateOf(token, known(entry('tenant', 'the tenant', { generation })), NOW)
  t.is(at(0), 'valid')
  t.is(at(6), 'valid')
  t.is(at(7), 'blacklisted')
  t.is(at(8), 'blacklisted')
})

for (const [scope, id] of [
  ['all', EVERYONE],
  ['tenant', 'the tenant'],
  ['user', 'the user'],
] as const) {
  test(`an entry about the ${scope} ends what was logged in for before its instant`, (t) => {
    const at = (before: number, authTime: number) =>
      stateOf({ ...token, authTime }, known(entry(scope, id, { before })), NOW)
    t.is(at(NOW, NOW - 1), 'blacklisted')
    t.is(at(NOW, NOW), 'valid')
    t.is(at(NOW, NOW + 1), 'valid')
    t.is(at(0, 0), 'valid')
    const refreshed = { ...token, id: 'the next', issuedAt: NOW, authTime: NOW - 1 }
    t.is(stateOf(refreshed, known(entry(scope, id, { before: NOW })), NOW), 'blacklisted')
  })
}

test('generation 0 can be ended', (t) => {
  const young = {
    ...token,
    user: { ...token.user, generation: 0 },
    tenant: { ...token.tenant, generation: 0 },
  }
  t.is(stateOf(young, known(entry('user', 'the user', { generation: 0 })), NOW), 'blacklisted')
  t.is(stateOf(young, known(entry('tenant', 'the tenant', { generation: 0 })), NOW), 'blacklisted')
  t.is(stateOf(young, known(entry('user', 'the user', { generation: -1 })), NOW), 'valid')
})

test('a generation does not matter to an entry about a session or a token', (t) => {
  const ended = [
    entry('session', 'own', { generation: 0 }),
    entry('token', token.id, { generation: 0 }),
  ]
  for (const one of ended) t.is(stateOf(token, known(one), NOW), 'blacklisted')
})

test('a superseded token is valid before the end of its grace and blacklisted from then on', (t) => {
  const sight = known(superseded(NOW))
  t.is(stateOf(token, sight, NOW - 1), 'valid')
  t.is(stateOf(token, sight, NOW), 'blacklisted')
  t.is(stateOf(token, sight, NOW + 1), 'blacklisted')
})

test('a token that is ended inside its grace is blacklisted at once', (t) => {
  const inGrace = superseded(NOW + 20_000)
  for (const ended of [
    entry('token', token.id),
    entry('session', 'root'),
    entry('user', 'the user'),
  ]) {
    t.is(stateOf(token, known(inGrace, ended), NOW), 'blacklisted')
    t.is(stateOf(token, known(ended, inGrace), NOW), 'blacklisted')
  }
})

test('an ended entry is in force even where its clock is ahead', (t) => {
  const ahead = entry('session', 'own', { at: NOW + 5000, from: NOW + 5000 })
  t.is(stateOf(token, known(ahead), NOW), 'blacklisted')
})

test('an entry stays in force past its until, as long as the token is not expired', (t) => {
  t.is(stateOf(token, known(entry('token', token.id, { until: NOW - 1 })), NOW), 'blacklisted')
})

test('expired wins over blacklisted and over unknown', (t) => {
  const entries = [entry('token', token.id), entry('user', 'the user'), superseded(0)]
  t.is(stateOf(token, known(...entries), token.expiresAt), 'expired')
  t.is(stateOf(token, { known: false, entries }, token.expiresAt), 'expired')
  t.is(stateOf(token, { known: false, entries: [] }, token.expiresAt), 'expired')
})

test('blacklisted wins over unknown', (t) => {
  t.is(stateOf(token, { known: false, entries: [entry('session', 'root')] }, NOW), 'blacklisted')
  const elsewhere = [entry('session', 'another'), superseded(NOW + 1)]
  t.is(stateOf(token, { known: false, entries: elsewhere }, NOW), 'invalid')
})

test('one entry in force among many is enough', (t) => {
  const others = Array.from({ length: 500 }, (_, i) => entry('session', `other ${i}`))
  t.is(stateOf(token, known(...others), NOW), 'valid')
  t.is(stateOf(token, known(...others, entry('session', 'middle')), NOW), 'blacklisted')
})

test('a token is past its grace from the instant at which the grace ends', (t) => {
  const sight = known(superseded(NOW))
  t.false(isPastGrace(token, sight, NOW - 1))
  t.true(isPastGrace(token, sight, NOW))
  t.true(isPastGrace(token, sight, NOW + 1))
})

test('a token that was never refreshed is not past a grace', (t) => {
  t.false(isPastGrace(token, known(), NOW))
  t.false(isPastGrace(token, known(entry('token', token.id)), NOW))
  t.false(isPastGrace(token, known(entry('session', 'own'), entry('user', 'the user')), NOW))
})

test('the refresh of another token is not the end of this one', (t) => {
  const other = superseded(NOW - 1, 'another token')
  t.false(isPastGrace(token, known(other), NOW))
  t.is(stateOf(token, known(other), NOW), 'valid')
})

test('a token that was refreshed and then ended is past its grace only after it', (t) => {
  const sight = known(superseded(NOW), entry('session', 'own'))
  t.false(isPastGrace(token, sight, NOW - 1))
  t.true(isPastGrace(token, sight, NOW))
})

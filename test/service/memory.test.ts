import test from 'ava'
import type { BlacklistEntry } from '../../src/blacklist.ts'
import { createBlacklistMemory } from '../../src/service/memory.ts'
import type { Token } from '../../src/token.ts'

const NOW = 1_800_000_000_000

const token: Token = {
  id: 'token',
  kid: 'kid',
  issuedAt: NOW,
  expiresAt: NOW + 900_000,
  authTime: NOW,
  user: { id: 'user', username: 'ada', generation: 0 },
  tenant: { id: 'tenant', generation: 0 },
  sessions: ['root', 'delegated', 'own'],
}

function entry(seq: number, id: string, until = NOW + 900_000): BlacklistEntry {
  const fact = {
    generation: null,
    before: null,
    kind: 'ended',
    at: NOW,
    from: NOW,
    reason: 'logout',
  } as const
  return { seq, scope: 'session', id, until, operation: `operation ${seq}`, ...fact }
}

function seqs(entries: BlacklistEntry[]): number[] {
  return entries.map(({ seq }) => seq).toSorted((a, b) => a - b)
}

test('entries about anything on a path are found, and no others', (t) => {
  const memory = createBlacklistMemory()
  const ids = ['all', 'tenant', 'user', 'root', 'delegated', 'own', 'token']
  t.deepEqual(memory.about(token), [])
  for (const [i, id] of [...ids, 'another', 'kid', 'ada', '__proto__', ''].entries()) {
    memory.add(entry(i + 1, id))
  }
  t.deepEqual(seqs(memory.about(token)), [1, 2, 3, 4, 5, 6, 7])
  for (const [i, id] of ids.entries()) {
    const alone = createBlacklistMemory()
    alone.add(entry(i, id))
    t.deepEqual(seqs(alone.about(token)), [i], id)
  }
  t.deepEqual(memory.about({ ...token, id: 'x', user: { ...token.user, id: 'y' } }).length, 5)
})

test('entries about one id are found by it alone', (t) => {
  const memory = createBlacklistMemory()
  memory.add({ ...entry(1, 'caller'), scope: 'caller' })
  memory.add(entry(2, 'another'))
  t.deepEqual(seqs([...memory.of('caller')]), [1])
  for (const id of ['', 'Caller', '__proto__', 'constructor']) t.is(memory.of(id).length, 0)
  memory.clear()
  t.is(memory.of('caller').length, 0)
})

test('several entries about one id are all kept', (t) => {
  const memory = createBlacklistMemory()
  for (const seq of [3, 1, 2]) memory.add(entry(seq, 'own'))
  t.deepEqual(seqs(memory.about(token)), [1, 2, 3])
  t.is(memory.size, 3)
  t.deepEqual(seqs(memory.all()), [1, 2, 3])
})

test('the same entry twice is one', (t) => {
  const memory = createBlacklistMemory()
  for (const seq of [1, 2, 1, 2, 1]) memory.add(entry(seq, 'own'))
  t.is(memory.size, 2)
  t.deepEqual(seqs(memory.about(token)), [1, 2])
  memory.dropSpent(NOW + 900_000)
  t.is(memory.size, 0)
})

test('what was found is not changed by what comes later', (t) => {
  const memory = createBlacklistMemory()
  memory.add(entry(1, 'own'))
  const found = memory.about(token)
  memory.add(entry(2, 'own'))
  memory.add(entry(3, 'user'))
  memory.dropSpent(NOW + 900_000)
  t.deepEqual(seqs(found), [1])
})

test('entries are dropped when they are spent, and not before', (t) => {
  const memory = createBlacklistMemory()
  memory.add(entry(1, 'own', NOW + 1))
  memory.add(entry(2, 'own', NOW + 2))
  memory.add(entry(3, 'user', NOW + 2))
  memory.dropSpent(NOW)
  t.is(memory.size, 3)
  memory.dropSpent(NOW + 1)
  t.deepEqual(seqs(memory.about(token)), [2, 3])
  t.is(memory.size, 2)
  memory.dropSpent(NOW + 2)
  t.is(memory.size, 0)
  t.deepEqual(memory.about(token), [])
  t.deepEqual(memory.all(), [])
})

test('a cleared memory is empty and goes on', (t) => {
  const memory = createBlacklistMemory()
  memory.add(entry(1, 'own'))
  memory.clear()
  t.is(memory.size, 0)
  t.deepEqual(memory.about(token), [])
  memory.add(entry(1, 'own'))
  t.is(memory.size, 1)
})

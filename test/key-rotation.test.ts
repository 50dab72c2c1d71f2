import test, { type ExecutionContext } from 'ava'
import { addNext, newKeySet, newKid, PUBLISHED_MS, retire, rotate } from '../src/key-rotation.ts'
import { KeySetError, parseKeySet } from '../src/key-set.ts'
import { algorithms, createKeyRing, keyRingOf } from '../src/keys.ts'
import { keyJwk, keySetText } from './support/keys.ts'

const NOW = 1_795_248_020_000
const LATER = NOW + PUBLISHED_MS

function rows(text: string): string[] {
  return parseKeySet(text).keys.map(({ kid, algorithm, state }) => `${kid} ${algorithm} ${state}`)
}

function refused(t: ExecutionContext, work: () => unknown, message: RegExp): void {
  t.throws(work, { instanceOf: KeySetError, message })
}

for (const algorithm of algorithms) {
  test(`a new key set has a current and a next key of ${algorithm}`, (t) => {
    const text = newKeySet(algorithm, { kids: ['one', 'two'], now: NOW })
    t.deepEqual(rows(text), [`two ${algorithm} next`, `one ${algorithm} current`])
    t.true(parseKeySet(text).keys.every(({ madeAt }) => madeAt === NOW))
  })
}

test('a secret that was a ring of one stays current, by the same kid', (t) => {
  const secret = 'a secret, with é, of more than 32 bytes'
  const [next, current] = parseKeySet(
    newKeySet('ES256', { secret, kids: ['one', 'two'], now: NOW }),
  ).keys
  t.is(next?.algorithm, 'ES256')
  const ring = createKeyRing(secret)
  t.is(current?.kid, ring.current.kid)
  t.true(current?.verifies.equals(ring.current.verifies))
  refused(t, () => newKeySet('ES256', { secret: 'x', kids: ['one', 'two'], now: NOW }), /32 bytes/)
})

test('a rotation makes next current, current previous, and another next of its algorithm', (t) => {
  const first = newKeySet('ES256', { kids: ['one', 'two'], now: NOW })
  const second = rotate(first, { kid: 'three', now: LATER })
  t.deepEqual(rows(second), ['three ES256 next', 'two ES256 current', 'one ES256 previous'])
  const third = rotate(second, { kid: 'four', now: LATER + PUBLISHED_MS }, 'HS256')
  t.deepEqual(rows(third), [
    'four HS256 next',
    'three ES256 current',
    'two ES256 previous',
    'one ES256 previous',
  ])
  const ring = keyRingOf(parseKeySet(first).keys)
  for (const text of [second, third]) {
    t.deepEqual(ring.replace(parseKeySet(text).keys), { isChanged: true, gone: [] })
  }
})

test('what signs after a rotation could be verified before it', (t) => {
  let text = newKeySet('HS256', { kids: ['0', '00'], now: NOW })
  for (let i = 1; i < 10; i += 1) {
    const before = keyRingOf(parseKeySet(text).keys)
    text = rotate(text, { kid: `k${i}`, now: NOW + i * PUBLISHED_MS })
    const { current } = keyRingOf(parseKeySet(text).keys)
    t.true(before.find(current.kid)?.verifies.equals(current.verifies))
  }
})

test('a next key that was made just now is not rotated to', (t) => {
  const text = newKeySet('HS256', { kids: ['one', 'two'], now: NOW })
  for (const now of [NOW - 1, NOW, NOW + 1, LATER - 1]) {
    refused(t, () => rotate(text, { kid: 'three', now }), /^key two was made just now.*in 2 s$/)
  }
  t.is(rows(rotate(text, { kid: 'three', now: LATER })).length, 3)
})

test('a next key that nobody dated may be rotated to', (t) => {
  const text = keySetText(keyJwk('HS256', 'a', 'next'), keyJwk('HS256', 'b', 'current'))
  t.deepEqual(rows(rotate(text, { kid: 'c', now: NOW })), [
    'c HS256 next',
    'a HS256 current',
    'b HS256 previous',
  ])
})

test('without a next key there is nothing to rotate to, and one can be added', (t) => {
  const text = keySetText(keyJwk('ES256', 'a'))
  refused(t, () => rotate(text, { kid: 'b', now: NOW }), /"sessiongraph keys next"/)
  const added = addNext(text, { kid: 'b', now: NOW })
  t.deepEqual(rows(added), ['b ES256 next', 'a ES256 current'])
  refused(t, () => addNext(added, { kid: 'c', now: NOW }), /^key b is the next one/)
  t.deepEqual(rows(addNext(text, { kid: 'b', now: NOW }, 'HS256'))[0], 'b HS256 next')
})

test('a previous key is removed, a next one replaced, the current one refused', (t) => {
  const text = keySetText(
    keyJwk('ES256', 'a', 'next'),
    keyJwk('HS256', 'b', 'current'),
    keyJwk('HS256', 'c', 'previous'),
    keyJwk('HS256', 'd', 'previous'),
  )
  const making = { kid: 'new', now: NOW }
  t.deepEqual(rows(retire(text, 'c', making)), [
    'a ES256 next',
    'b HS256 current',
    'd HS256 previous',
  ])
  t.deepEqual(rows(retire(text, 'a', making)), [
    'new ES256 next',
    'b HS256 current',
    'c HS256 previous',
    'd HS256 previous',
  ])
  refused(t, () => retire(text, 'b', making), /^key b is the current one: run "sessiongraph keys r/)
  for (const kid of ['e', '', 'C', '__proto__']) {
    refused(t, () => retire(text, kid, making), /^no key has that kid: the keys are a, b, c, d$/)
  }
})

test('members that nobody knows outlive every edit', (t) => {
  const one = { ...keyJwk('HS256', 'a', 'next'), note: 'one' }
  const two = { ...keyJwk('HS256', 'b', 'current'), note: { two: 2 } }
  let text = JSON.stringify({ note: 'all', keys: [one, two] })
  text = rotate(text, { kid: 'c', now: NOW })
  text = retire(text, 'c', { kid: 'd', now: NOW })
  const { note, keys } = parseKeySet(text).document
  t.is(note, 'all')
  t.deepEqual(keys.slice(1), [
    { ...one, state: 'current' },
    { ...two, state: 'previous' },
  ])
})

test('a kid that is made is sixteen hexadecimal digits', (t) => {
  const kids = Array.from({ length: 1_000 }, newKid)
  t.is(new Set(kids).size, 1_000)
  for (const kid of kids) t.regex(kid, /^[0-9a-f]{16}$/)
})

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { newId } from '../../src/id.ts'
import { createCheckedTokens } from '../../src/service/checked-tokens.ts'
import type { Token } from '../../src/token.ts'

const token: Token = {
  id: 'token',
  kid: 'kid',
  issuedAt: 0,
  expiresAt: 900_000,
  authTime: 0,
  user: { id: 'user', username: 'ada', generation: 0 },
  tenant: { id: 'tenant', generation: 0 },
  sessions: ['session'],
}
const one = { token, turn: 1, verified: undefined }

test('checked tokens are found by their text', (t) => {
  const checked = createCheckedTokens(10)
  checked.add('text', one)
  t.is(checked.get('text'), one)
  t.is(checked.get('text '), undefined)
  t.is(checked.get('__proto__'), undefined)
  checked.remove('text')
  t.is(checked.get('text'), undefined)
  checked.remove('text')
  t.is(checked.size, 0)
})

test('past their bound the oldest go', (t) => {
  const checked = createCheckedTokens(3)
  for (let i = 0; i < 1_000; i += 1) {
    checked.add(`${i}`, one)
    t.true(checked.size <= 3)
  }
  const held = ['996', '997', '998', '999'].map((text) => checked.get(text) !== undefined)
  t.deepEqual(held, [false, true, true, true])
})

test('the oldest go also when some went before, and after all were cleared', (t) => {
  const checked = createCheckedTokens(3)
  const held = () => [...'abcdefgh'].filter((text) => checked.get(text)).join('')
  for (const text of 'abcd') checked.add(text, one)
  checked.remove('b')
  for (const text of 'ef') checked.add(text, one)
  t.is(held(), 'def')
  checked.clear()
  for (const text of 'hgab') checked.add(text, one)
  t.is(held(), 'abg')
})

test('the same text twice takes one place, and the later one counts', (t) => {
  const checked = createCheckedTokens(2)
  const later = { ...one, turn: 2 }
  checked.add('a', one)
  for (let i = 0; i < 5; i += 1) checked.add('b', i < 4 ? one : later)
  t.is(checked.get('a'), one)
  t.is(checked.get('b'), later)
  t.is(checked.size, 2)
})

test('a bound of none keeps none', (t) => {
  const checked = createCheckedTokens(0)
  for (const text of ['a', 'b', 'c']) checked.add(text, one)
  t.is(checked.size, 0)
  t.is(checked.get('c'), undefined)
})

test('cleared ones are forgotten', (t) => {
  const checked = createCheckedTokens(2)
  checked.add('a', one)
  const { generation } = checked
  checked.clear()
  t.is(checked.get('a'), undefined)
  t.is(checked.size, 0)
  t.not(checked.generation, generation)
})

test('a text does not keep what it was cut out of', (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const checked = createCheckedTokens(1_000)
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 1_000; i += 1) {
    const body = `token=${newId()}${newId()}&rest=${newId()}${'x'.repeat(16_000)}`
    checked.add(Buffer.from(body).toString('latin1').slice(6, 50), one)
  }
  collect()
  const each = (process.memoryUsage().heapUsed - before) / checked.size
  t.true(each < 1_000, `${each} bytes each`)
})

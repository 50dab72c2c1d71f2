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
const one = (text: string, turn = 1) => ({ text, token, turn, shown: undefined })

test('checked tokens are found by their text', (t) => {
  const checked = createCheckedTokens(10)
  checked.add(one('text'))
  t.deepEqual(checked.get('text'), one('text'))
  t.is(checked.get('text '), undefined)
  t.is(checked.get('__proto__'), undefined)
  checked.remove('text')
  t.is(checked.get('text'), undefined)
  checked.remove('text')
  t.is(checked.size, 0)
})

test('another text with the same end is not one of them', (t) => {
  const checked = createCheckedTokens(10)
  const end = newId()
  checked.add(one(`head.${end}`))
  t.is(checked.get(`other.${end}`), undefined)
  t.is(checked.get(end), undefined)
  checked.remove(`other.${end}`)
  t.deepEqual(checked.get(`head.${end}`), one(`head.${end}`))
})

test('past their bound the oldest go', (t) => {
  const checked = createCheckedTokens(3)
  for (let i = 0; i < 1_000; i += 1) {
    checked.add(one(`${i}`))
    t.true(checked.size <= 3)
  }
  const held = ['996', '997', '998', '999'].map((text) => checked.get(text) !== undefined)
  t.deepEqual(held, [false, true, true, true])
})

test('the oldest go also when some went before, and after all were cleared', (t) => {
  const checked = createCheckedTokens(3)
  const held = () => [...'abcdefgh'].filter((text) => checked.get(text)).join('')
  for (const text of 'abcd') checked.add(one(text))
  checked.remove('b')
  for (const text of 'ef') checked.add(one(text))
  t.is(held(), 'def')
  checked.clear()
  for (const text of 'hgab') checked.add(one(text))
  t.is(held(), 'abg')
})

test('the same text twice takes one place, and the later one counts', (t) => {
  const checked = createCheckedTokens(2)
  checked.add(one('a'))
  for (let i = 0; i < 5; i += 1) checked.add(one('b', i))
  t.deepEqual(checked.get('a'), one('a'))
  t.deepEqual(checked.get('b'), one('b', 4))
  t.is(checked.size, 2)
})

test('a bound of none keeps none', (t) => {
  const checked = createCheckedTokens(0)
  for (const text of ['a', 'b', 'c']) checked.add(one(text))
  t.is(checked.size, 0)
  t.is(checked.get('c'), undefined)
})

test('cleared ones are forgotten', (t) => {
  const checked = createCheckedTokens(2)
  checked.add(one('a'))
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
    checked.add(one(Buffer.from(body).toString('latin1').slice(6, 50)))
  }
  collect()
  const each = (process.memoryUsage().heapUsed - before) / checked.size
  t.true(each < 1_000, `${each} bytes each`)
})

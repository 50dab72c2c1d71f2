import test from 'ava'
import fc from 'fast-check'
import { parsePairs } from '../../src/http/pairs.ts'

function parsed(text: string): [string, string[]][] {
  return [...parsePairs(text)]
}

test('pairs are lists of values by name, in the order in which they came', (t) => {
  t.deepEqual(parsed('b=1&a=2&b=3'), [
    ['b', ['1', '3']],
    ['a', ['2']],
  ])
})

test('nothing gives no pairs', (t) => {
  t.deepEqual(parsed(''), [])
  t.deepEqual(parsed('&'), [])
  t.deepEqual(parsed('&&a=1&&'), [['a', ['1']]])
})

test('a name without a value has an empty one', (t) => {
  t.deepEqual(parsed('a'), [['a', ['']]])
  t.deepEqual(parsed('a='), [['a', ['']]])
  t.deepEqual(parsed('a&a=&a=1'), [['a', ['', '', '1']]])
})

test('a value without a name has an empty one', (t) => {
  t.deepEqual(parsed('=1'), [['', ['1']]])
  t.deepEqual(parsed('='), [['', ['']]])
})

test('only the first equals sign parts a pair', (t) => {
  t.deepEqual(parsed('a=b=c'), [['a', ['b=c']]])
  t.deepEqual(parsed('a=='), [['a', ['=']]])
  t.deepEqual(parsed('a=b=='), [['a', ['b==']]])
  t.deepEqual(parsed('a%3Db=c%3Dd=e'), [['a=b', ['c=d=e']]])
})

test('a plus is a space and %2B is a plus, in names and values', (t) => {
  t.deepEqual(parsed('a+b=c++d&%2B=1%2B1'), [
    ['a b', ['c  d']],
    ['+', ['1+1']],
  ])
})

test('percent-encodings are decoded once, as UTF-8', (t) => {
  t.deepEqual(parsed('%61=%C3%A9&e=%F0%9F%98%80&n=%00&amp=%26%3d&p=%2525'), [
    ['a', ['é']],
    ['e', ['😀']],
    ['n', ['\0']],
    ['amp', ['&=']],
    ['p', ['%25']],
  ])
})

test('spellings of one name are one name', (t) => {
  t.deepEqual(parsed('token=1&%74oken=2&%74%6F%6b%65%6e=3'), [['token', ['1', '2', '3']]])
})

test('a broken percent-encoding throws a URIError', (t) => {
  for (const part of ['%', '%2', '%zz', '%u0061', '% 41', '100%', '%+1', '%-1']) {
    for (const text of [`a=${part}`, `${part}=a`, `a=1&b=${part}&c=2`, part]) {
      t.throws(() => parsePairs(text), { instanceOf: URIError, message: 'URI malformed' }, text)
    }
  }
})

test('a percent-encoding that is not UTF-8 throws a URIError', (t) => {
  for (const part of [
    '%FF',
    '%C0%AF',
    '%80',
    '%E2%82',
    '%ED%A0%80',
    '%F4%90%80%80',
    '%C3',
    '%E9',
  ]) {
    for (const text of [`a=${part}`, `${part}=a`, `a=1&a=${part}x`]) {
      t.throws(() => parsePairs(text), { instanceOf: URIError, message: 'URI malformed' }, text)
    }
  }
})

test('pairs stay flat: brackets, dots, semicolons and commas mean nothing', (t) => {
  t.deepEqual(parsed('a[]=1&a[b]=2&a.c=3&d=4;e=5,6&a%5B%5D=7'), [
    ['a[]', ['1', '7']],
    ['a[b]', ['2']],
    ['a.c', ['3']],
    ['d', ['4;e=5,6']],
  ])
})

test('names of object members are names like others', (t) => {
  const names = ['__proto__', 'constructor', 'toString', 'size']
  const pairs = parsePairs(names.map((name) => `${name}=1&${name}=2`).join('&'))
  for (const name of names) t.deepEqual(pairs.get(name), ['1', '2'])
  t.is(pairs.size, 4)
  t.is(({} as Record<string, unknown>)['1'], undefined)
})

test('whatever URLSearchParams writes is read as it was', (t) => {
  const some = fc.string({ unit: 'binary' })
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.array(fc.tuple(some, some)), (pairs) => {
        const expected = new Map<string, string[]>()
        for (const [name, value] of pairs) {
          expected.set(name, [...(expected.get(name) ?? []), value])
        }
        t.deepEqual(parsePairs(new URLSearchParams(pairs).toString()), expected)
      }),
    ),
  )
})

test('any text gives pairs or a URIError', (t) => {
  const near = fc.string({ unit: fc.constantFrom(...'%=&+a1Ff[;') })
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), near), (text) => {
        try {
          return parsePairs(text).size <= text.split('&').length
        } catch (error) {
          return error instanceof URIError && text.includes('%')
        }
      }),
      { numRuns: 1000 },
    ),
  )
})

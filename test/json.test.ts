import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { parseObject } from '../src/json.ts'

function repeated(t: ExecutionContext, texts: string[]): void {
  for (const text of texts) {
    const expected = { instanceOf: SyntaxError, message: 'a JSON member is given twice' }
    t.throws(() => parseObject(text), expected, text)
  }
}

test('an object is parsed to its members', (t) => {
  t.deepEqual(parseObject('{}'), {})
  t.deepEqual(parseObject(' { "a" : 1 , "b" : [ null , true , "x" ] , "c" : { "d" : 1.5 } } '), {
    a: 1,
    b: [null, true, 'x'],
    c: { d: 1.5 },
  })
})

test('an array, a scalar or null is refused', (t) => {
  for (const text of [
    '[]',
    '[{}]',
    '[{"a":1}]',
    '1',
    '-0',
    '"a"',
    '"{}"',
    'true',
    'null',
    ' null ',
  ]) {
    const expected = { instanceOf: SyntaxError, message: 'the JSON text is not an object' }
    t.throws(() => parseObject(text), expected, text)
  }
})

test('what is not JSON is refused', (t) => {
  const texts = [
    '',
    ' ',
    '{',
    '}',
    '{]',
    "{'a':1}",
    '{a:1}',
    '{"a":1,}',
    '{"a":01}',
    '{"a":NaN}',
    '{"a":"\n"}',
    '{"a":"\\x"}',
    '{"a":1}}',
    '{"a":1}{"b":1}',
    '\ufeff{}',
    '{"a":1}//',
    '{"a"}',
    '{"a":"}',
    'undefined',
  ]
  for (const text of texts) t.throws(() => parseObject(text), { instanceOf: SyntaxError }, text)
})

test('a member that is given twice is refused at any depth', (t) => {
  repeated(t, [
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"a" : 1 ,\n\t"a"\r\n:\t2}',
    '{"x":{"a":1,"a":2}}',
    '{"x":[{"a":1,"a":2}]}',
    '{"x":[[[{"y":{"a":1,"a":2}}]]]}',
    '{"a":{"b":1},"a":{"b":2}}',
    '{"a":{},"x":{"a":[{}]},"a":1}',
    '{"a":[],"a":[]}',
    '{"":1,"":2}',
    '{"a":null,"a":null}',
    `${'{"x":'.repeat(500)}{"a":1,"a":1}${'}'.repeat(500)}`,
  ])
})

test('a name that is spelt with escapes the second time is refused', (t) => {
  repeated(t, [
    '{"a":1,"\\u0061":2}',
    '{"\\u0061":1,"a":2}',
    '{"\\u00e9":1,"é":2}',
    '{"\\u00E9":1,"\\u00e9":2}',
    '{"/":1,"\\/":2}',
    '{"\\"":1,"\\u0022":2}',
    '{"\\\\":1,"\\u005c":2}',
    '{"\\n":1,"\\u000a":2}',
    '{"😀":1,"\\ud83d\\ude00":2}',
    '{"\\ud800":1,"\\uD800":2}',
    '{"x":{"exp":1,"e\\u0078p":2}}',
  ])
})

test('names that a lax comparison would take for one are two', (t) => {
  t.deepEqual(Object.keys(parseObject('{"a":1,"A":2,"a ":3,"\\u0430":4,"":5,"\\u0000":6}')), [
    'a',
    'A',
    'a ',
    'а',
    '',
    '\0',
  ])
  t.is(Object.keys(parseObject('{"é":1,"e\\u0301":2}')).length, 2)
})

test('a name may come again in another object', (t) => {
  const texts = [
    '{"a":{"a":{"a":1}}}',
    '{"x":{"a":1},"y":{"a":2}}',
    '{"x":[{"a":1},{"a":2},{"a":{"a":3}}]}',
    '{"a":{"b":1},"b":1}',
    '{"b":1,"a":{"b":1}}',
  ]
  for (const text of texts) t.is(JSON.stringify(parseObject(text)), text)
})

test('braces, colons, quotes and names inside strings do not count', (t) => {
  const texts = [
    '{"a":"}{","b":"{"}',
    '{"a":"\\"a\\":1","b":"\\"a\\":"}',
    '{"a":":","b":"a","c":"a"}',
    '{"{":1,"}":2,":":3}',
    '{"a\\"":1,"a":2}',
    '{"a\\\\":1,"a":2}',
    '{"a":"\\\\","b":"\\\\\\""}',
    '{"x":["a","a","b:","{"],"a":"a"}',
    '{"a":"\u2028\u2029","b":"\u2028"}',
  ]
  for (const text of texts) t.is(JSON.stringify(parseObject(text)), text)
  repeated(t, ['{"a":"}","a":1}', '{"a":"{\\"","a":1}', '{"a\\"":1,"a\\"":2}', '{"}":1,"}":2}'])
})

test('__proto__ is a member like others and changes nothing', (t) => {
  const value = parseObject('{"__proto__":{"admin":true},"constructor":1}')
  t.deepEqual(Object.keys(value), ['__proto__', 'constructor'])
  t.is(Object.getPrototypeOf(value), Object.prototype)
  t.is(value.admin, undefined)
  t.is(({} as Record<string, unknown>).admin, undefined)
  repeated(t, ['{"__proto__":1,"__proto__":2}', '{"__proto__":1,"__pr\\u006fto__":2}'])
  repeated(t, ['{"constructor":1,"constructor":2}', '{"toString":1,"toString":2}'])
})

test('an object nested as deep as a body can hold does not break it', (t) => {
  const deep = `${'{"a":'.repeat(2700)}1${'}'.repeat(2700)}`
  t.is(JSON.stringify(parseObject(deep)), deep)
})

test('a long string does not break it', (t) => {
  for (const part of ['a', '\\"', '{', '"a":'.replaceAll('"', '\\"')]) {
    const text = `{"a":"${part.repeat(16_384)}"}`
    t.is(JSON.stringify(parseObject(text)), text)
  }
})

const dictionaries = fc.dictionary(
  fc.oneof(fc.string({ unit: 'binary' }), fc.string()),
  fc.jsonValue(),
)

test('the JSON of any object parses to an equal object', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(dictionaries, fc.constantFrom(0, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        return JSON.stringify(parseObject(text), null, indent) === text
      }),
      { numRuns: 1000 },
    ),
  )
})

test('any object with any one of its members given again is refused', (t) => {
  const again = dictionaries
    .filter((value) => Object.keys(value).length > 0)
    .chain((value) => fc.tuple(fc.constant(value), fc.constantFrom(...Object.keys(value))))
  t.notThrows(() =>
    fc.assert(
      fc.property(again, fc.jsonValue(), ([value, name], other) => {
        const member = `${JSON.stringify(name)}:${JSON.stringify(other)}`
        const text = `{"deep":[${JSON.stringify(value).slice(0, -1)},${member}}]}`
        try {
          parseObject(text)
          return false
        } catch (error) {
          return (error as Error).message === 'a JSON member is given twice'
        }
      }),
    ),
  )
})

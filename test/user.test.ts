import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { AuthError } from '../src/error.ts'
import { DEFAULT_TENANT, parseUsername, userKey } from '../src/user.ts'

function key(text: string): string {
  return userKey(DEFAULT_TENANT, parseUsername(text))
}

function refused(t: ExecutionContext, names: string[]): void {
  for (const name of names) {
    t.throws(
      () => parseUsername(name),
      {
        instanceOf: AuthError,
        code: 'username_validation_failed',
        message: 'Username validation failed',
      },
      JSON.stringify(name),
    )
  }
}

test('a username of letters, digits and ._@+- is taken as it is', (t) => {
  const names = ['ada', 'Ada', 'ADA', 'a', '0', '.', '-', '_', '@', '+', 'ada.l+x_y-z@example.com']
  for (const name of names) t.is(parseUsername(name), name)
})

test('usernames that differ in case only have one key', (t) => {
  t.is(key('Ada.Lovelace@Example.COM'), 'default/ada.lovelace@example.com')
  t.is(key('ADA'), key('ada'))
  t.not(key('ada'), key('ada.'))
})

test('a username has 1 to 128 characters', (t) => {
  t.is(parseUsername('a'), 'a')
  t.is(parseUsername('a'.repeat(128)), 'a'.repeat(128))
  refused(t, ['', 'a'.repeat(129), 'a'.repeat(100_000)])
})

test('the length counts after normalisation', (t) => {
  t.is(parseUsername('ﬃ'.repeat(42)), 'ffi'.repeat(42))
  refused(t, ['ﬃ'.repeat(43)])
  t.is(parseUsername('𝐚'.repeat(128)), 'a'.repeat(128))
})

test('spellings that NFKC makes equal have one key', (t) => {
  const spellings: [string, string][] = [
    ['\u212a', 'K'],
    ['ada\u212aelvin', 'adaKelvin'],
    ['Ａｄａ', 'Ada'],
    ['ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ', 'ada@example.com'],
    ['ﬁn', 'fin'],
    ['a\u017f', 'as'],
    ['①', '1'],
    ['𝒶𝒹𝒶', 'ada'],
    ['ªdª', 'ada'],
    ['a…', 'a...'],
    ['²', '2'],
    ['℡', 'TEL'],
    ['＿－＋', '_-+'],
  ]
  for (const [spelling, name] of spellings) {
    t.is(parseUsername(spelling), name)
    t.is(key(spelling), key(name.toLowerCase()))
  }
})

test('look-alikes of other scripts are refused', (t) => {
  refused(t, ['аda', 'αda', 'adа', 'ɑda', 'ѕtaff', 'rооt', 'аdmin', 'ΑDΑ', 'ⅼ\u0430', 'Ꭺda', 'օ'])
})

test('letters whose lower case is more or other letters are refused', (t) => {
  refused(t, [
    'İ',
    'ı',
    'istanbul\u0307',
    'ß',
    'ẞ',
    'Σ',
    'ς',
    'ŉ',
    'é',
    'e\u0301',
    'Å',
    '\u212b',
    'ø',
    'ñ',
  ])
})

test('what NFKC makes into a forbidden character is refused', (t) => {
  refused(t, ['℀', '½', '／', '＼', '：', 'ada\u00a0', '\u2003', '´', '；', 'ﷺ', '⑴', '﹡'])
})

test('control, format and space characters are refused', (t) => {
  const codes = [...Array(33).keys(), ...Array.from({ length: 33 }, (_, i) => 127 + i)]
  const format = ['\u200b', '\u200d', '\u200e', '\u202e', '\u2066', '\u00ad', '\ufeff', '\u2028']
  for (const one of [...codes.map((code) => String.fromCharCode(code)), ...format, '\ufe0f']) {
    refused(t, [one, `ada${one}`, `${one}ada`, `a${one}da`])
  }
})

test('characters that mean something to Cypher, shells, paths or logs are refused', (t) => {
  for (const one of '`\'"\\/{}()[]<>$%&|;:,*?!#^~= ') refused(t, [one, `ada${one}`, `${one}ada`])
  refused(t, ["ada' OR 1=1 //", '../ada', 'a/b', 'ada\r\nLevel: info', '\u001b[31mada'])
})

test('lone surrogates and emoji are refused', (t) => {
  refused(t, ['\ud800', 'ada\udfff', '\ud83dada', '😀', '👩‍💻', '1️⃣'])
})

test('names of object members are names like others', (t) => {
  t.is(key('__proto__'), 'default/__proto__')
  t.is(key('constructor'), 'default/constructor')
})

test('a key tells tenants apart', (t) => {
  t.is(userKey('one', 'Ada'), 'one/ada')
  t.not(userKey('one', 'ada'), userKey('two', 'ada'))
  // A username has no slash, so the last one in a key is the tenant's end.
  t.not(userKey('one', parseUsername('ada')), userKey('on', parseUsername('e.ada')))
})

test('any text is refused or has a key of the plain alphabet, which is its own', (t) => {
  const near = fc.string({
    unit: fc.constantFrom(...'aAzZ09._@+-', 'ﬁ', '\u212a', 'Ａ', 'İ', '１'),
  })
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), near), (text) => {
        try {
          const name = parseUsername(text)
          return (
            /^default\/[a-z0-9._@+-]{1,128}$/.test(key(text)) &&
            parseUsername(name) === name &&
            key(name) === key(text) &&
            key(name.toUpperCase()) === key(text)
          )
        } catch (error) {
          return error instanceof AuthError && error.code === 'username_validation_failed'
        }
      }),
      { numRuns: 2000 },
    ),
  )
})

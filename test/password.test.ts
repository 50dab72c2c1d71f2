import test, { type ExecutionContext } from 'ava'
import { AuthError } from '../src/error.ts'
import { createPasswordHasher, parseNewPassword, parsePassword } from '../src/password.ts'
import { createQueue } from '../src/queue.ts'

const queue = createQueue(2, 60_000)

function hasher({ cost = 4, pepper = '' } = {}) {
  return createPasswordHasher({ cost, pepper, queue })
}

function refused(t: ExecutionContext, parse: (text: string) => string, texts: string[]): void {
  for (const text of texts) {
    t.throws(
      () => parse(text),
      {
        instanceOf: AuthError,
        code: 'password_validation_failed',
        message: 'Password validation failed',
      },
      JSON.stringify(text),
    )
  }
}

test('a new password has 8 to 128 characters', (t) => {
  t.is(parseNewPassword('x7-kpq2z'), 'x7-kpq2z')
  t.is(parseNewPassword('x7-kpq2z'.repeat(16)), 'x7-kpq2z'.repeat(16))
  refused(t, parseNewPassword, [
    '',
    'x',
    'x7-kpq2',
    `${'x7-kpq2z'.repeat(16)}x`,
    'x'.repeat(16_000),
  ])
})

test('characters are code points, not UTF-16 units or bytes', (t) => {
  t.is(parseNewPassword('😀'.repeat(8)), '😀'.repeat(8))
  t.is(parseNewPassword('😀'.repeat(128)), '😀'.repeat(128))
  refused(t, parseNewPassword, ['😀'.repeat(7), '😀'.repeat(129), 'é'.repeat(7), 'é'.repeat(129)])
})

test('a new password is taken exactly as given', (t) => {
  const texts = [
    '  spaces around  ',
    'Ａ full-width letter',
    'cafe\u0301 and café',
    'tab\tand\nnewline\0and zero',
    '{"$ne": null}',
    '`MATCH (n) DETACH DELETE n`',
  ]
  for (const text of texts) t.is(parseNewPassword(text), text)
})

test('no kind of character is asked for', (t) => {
  for (const text of ['qmvzkwjx', '83920174', 'QMVZKWJX', '--------..']) {
    t.is(parseNewPassword(text), text)
  }
})

test('a common password is refused in any case', (t) => {
  for (const text of ['password', 'password1', '12345678', 'football', 'iloveyou', 'qwertyuiop']) {
    const mixed = [...text].map((one, i) => (i % 2 ? one.toUpperCase() : one)).join('')
    refused(t, parseNewPassword, [text, text.toUpperCase(), mixed])
  }
})

test('a password with a lone surrogate is refused', (t) => {
  const texts = ['abcdefgh\ud800', '\udfffabcdefgh', 'abcd\ud83dxefgh', '\ude00\ud83d'.repeat(8)]
  refused(t, parseNewPassword, texts)
  refused(t, parsePassword, texts)
})

test('a password to compare may be short, long or common, but not empty', (t) => {
  for (const text of ['x', 'password', 'x'.repeat(1000), '😀']) t.is(parsePassword(text), text)
  refused(t, parsePassword, [''])
})

test('a password matches its hash and no other', async (t) => {
  const { hash, matches } = hasher()
  const made = await hash('correct horse')
  t.true(await matches('correct horse', made))
  for (const other of ['Correct horse', 'correct horse ', 'correct hors', 'correct\0horse', 'x']) {
    t.false(await matches(other, made), other)
  }
})

test('two hashes of one password differ, and show nothing of it', async (t) => {
  const { hash } = hasher()
  const [one, two] = await Promise.all([hash('correct horse'), hash('correct horse')])
  t.not(one, two)
  t.regex(one, /^v1:\$2b\$04\$[./A-Za-z0-9]{53}$/)
  t.false(one.includes('correct') || one.includes('horse'))
})

test('bytes after the 72nd count', async (t) => {
  const { hash, matches } = hasher()
  for (const start of ['x'.repeat(72), '😀'.repeat(18), 'y'.repeat(100)]) {
    const made = await hash(`${start}a`)
    t.true(await matches(`${start}a`, made))
    t.false(await matches(`${start}b`, made))
    t.false(await matches(start, made))
  }
})

test('the last of 128 emoji counts', async (t) => {
  const { hash, matches } = hasher()
  const made = await hash('😀'.repeat(128))
  t.true(await matches('😀'.repeat(128), made))
  t.false(await matches(`${'😀'.repeat(127)}😁`, made))
  t.false(await matches('😀'.repeat(127), made))
})

test('characters after a zero byte count', async (t) => {
  const { hash, matches } = hasher()
  const made = await hash('before\0after')
  t.true(await matches('before\0after', made))
  t.false(await matches('before\0other', made))
  t.false(await matches('before', made))
})

test('a hash made without a pepper still matches once one is set, and is outdated', async (t) => {
  const before = hasher()
  const after = hasher({ pepper: 'a pepper' })
  const made = await before.hash('correct horse')
  t.true(await after.matches('correct horse', made))
  t.false(await after.matches('wrong horse', made))
  t.true(after.isOutdated(made))
  t.false(before.isOutdated(made))
})

test('a hash made with a pepper matches with that pepper only', async (t) => {
  const peppered = hasher({ pepper: 'a pepper' })
  const made = await peppered.hash('correct horse')
  t.true(await peppered.matches('correct horse', made))
  t.false(peppered.isOutdated(made))
  t.false(await hasher({ pepper: 'another' }).matches('correct horse', made))
  t.false(await hasher().matches('correct horse', made))
  t.true(hasher().isOutdated(made))
})

test('a hash of another cost matches and is outdated', async (t) => {
  const made = await hasher({ cost: 5 }).hash('correct horse')
  t.true(await hasher().matches('correct horse', made))
  t.true(hasher().isOutdated(made))
  t.true(hasher({ cost: 12 }).isOutdated(made))
  t.false(hasher({ cost: 5 }).isOutdated(made))
})

test('a cost of two digits is kept', async (t) => {
  const made = await hasher({ cost: 10 }).hash('correct horse')
  t.true(made.startsWith('v1:$2b$10$'))
  t.false(hasher({ cost: 10 }).isOutdated(made))
})

test('without a hash no password matches', async (t) => {
  for (const pepper of ['', 'a pepper']) {
    const { matches } = hasher({ pepper })
    for (const text of ['correct horse', 'undefined', 'x']) t.false(await matches(text, undefined))
  }
})

test('without a hash the same work is done', async (t) => {
  const { hash, matches } = hasher({ cost: 9 })
  const made = await hash('correct horse')
  async function least(of: string | undefined): Promise<number> {
    const times: number[] = []
    for (let i = 0; i < 4; i += 1) {
      const begun = performance.now()
      await matches('wrong horse', of)
      times.push(performance.now() - begun)
    }
    return Math.min(...times)
  }
  const [unknown, known] = [await least(undefined), await least(made)]
  // About 35 ms each; a comparison that is skipped takes less than one.
  t.true(unknown > known / 3 && unknown < known * 3, `${unknown} ms against ${known} ms`)
})

test('when the queue is full both refuse with service_unavailable', async (t) => {
  const busy = createPasswordHasher({ cost: 4, pepper: '', queue: createQueue(1, 1) })
  const full = createQueue(1, 1)
  let free = () => {}
  const held = full.run(() => new Promise<void>((resolve) => (free = resolve)))
  const hashing = createPasswordHasher({ cost: 4, pepper: '', queue: full })
  const expected = {
    instanceOf: AuthError,
    code: 'service_unavailable',
    message: 'Service unavailable',
  }
  const made = await busy.hash('correct horse')
  await t.throwsAsync(hashing.hash('correct horse'), expected)
  await t.throwsAsync(hashing.matches('correct horse', made), expected)
  await t.throwsAsync(hashing.matches('correct horse', undefined), expected)
  free()
  await held
  t.true(await hashing.matches('correct horse', made))
})

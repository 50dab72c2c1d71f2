import anyTest, { type ExecutionContext } from 'ava'
import fc, { type Arbitrary } from 'fast-check'
import { type Code, codes } from '../../src/error.ts'
import { allowed } from '../../src/http/routes.ts'
import { parseNewPassword } from '../../src/password.ts'
import { type Ask, asking, doors, loggedIn, waysOf } from '../support/asking.ts'
import { counted } from '../support/counted.ts'
import { type Answer, bearer, form, json, type Sending } from '../support/http-client.ts'
import { type Declare, type Opened, registerOnEngines } from '../support/suites.ts'
import { newUsername, PASSWORD } from '../support/world.ts'

// fast-check prints the seed and the smallest input of a property that fails: given to fc.assert as
// { seed, path }, that run comes again.

const credentialRoutes = [
  ['POST', '/auth'],
  ['POST', '/auth/user'],
  ['PATCH', '/auth/user'],
] as const

const hostile = [
  '__proto__',
  '\r\nSet-Cookie: a=b',
  '\u001b[2J',
  '\u2028',
  '\ud800',
  '\u0000',
  '%00',
  "'}) DETACH DELETE n //",
  '`) RETURN 1 //',
  'null',
]
const anyCodeUnits = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) })
/** Any text at all, lone surrogates included. */
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary', maxLength: 150 }),
  anyCodeUnits,
  fc.constantFrom(...hostile),
  fc.tuple(fc.string(), fc.constantFrom(...hostile)).map((both) => both.join('')),
)

const known = ['username', 'password', 'currentPassword', 'tenant', 'token', 'scope']
const ofPrototypes = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']
const ofPower = ['role', 'roles', 'admin', 'status', 'generation', 'id', 'key', 'passwordHash']
const anyName = fc.oneof(fc.constantFrom(...known, ...ofPrototypes, ...ofPower), anyText)

/** The JSON text of any value, members of prototypes and members given twice included. */
const { value: anyJson } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('null', 'true', 'false', '1e999', '-0', '1.5', '""', '[]', '{}'),
    anyText.map((text) => JSON.stringify(text)),
    fc.double().map((number) => JSON.stringify(number)),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
    fc.array(fc.tuple(anyName, tie('value')), { maxLength: 4 }).map(objectOf),
  ),
}))

function objectOf(members: [string, string][]): string {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`
}

function raw(body: string | Buffer): Sending {
  return { headers: { 'Content-Type': 'application/json' }, body }
}

/** Asserts a 4xx of the closed list; `send` looks at all else that is described of it. */
function isRefused(t: ExecutionContext, { status, text, json }: Answer, ...expected: Code[]): void {
  t.true(status >= 400 && status < 500, text)
  const code = json.code as Code
  t.true((expected.length > 0 ? expected : codes).includes(code), text)
}

interface Trial {
  t: ExecutionContext
  ask: Ask
  /** Somebody who has logged in and stays so. */
  user: { username: string; token: string }
}

registerOnEngines(properties, undefined, anyTest.serial)

function properties(test: Declare, opened: () => Opened): void {
  /** Declares that a property holds for any input, and that nothing was stored or ended by it. */
  function anyInput<T>(
    title: string,
    numRuns: number,
    input: Arbitrary<T>,
    check: (trial: Trial, input: T) => Promise<void>,
  ): void {
    test(`for any input: ${title}`, async (t) => {
      const { engine } = opened()
      const ask = await asking(t, engine)
      const trial = { t, ask, user: await loggedIn(ask) }
      const before = await counted(engine, trial.user.username)
      await runs(numRuns, input, (one) => check(trial, one))
      t.deepEqual(await counted(engine, trial.user.username), before, 'nothing was stored')
      t.is((await ask('GET', '/auth', bearer(trial.user.token))).status, 200)
      t.is((await ask('GET', '/healthz')).status, 200)
    })
  }

  // Most of what is refused never comes to the graph, so Neo4j, the slower one, has fewer runs.
  async function runs<T>(numRuns: number, input: Arbitrary<T>, check: (input: T) => Promise<void>) {
    const isSlow = !opened().engine.description.startsWith('embedded')
    const most = isSlow ? Math.ceil(numRuns / 5) : numRuns
    await fc.assert(fc.asyncProperty(input, check), { numRuns: most })
  }

  const notTokens: Code[] = ['token_is_invalid', 'token_must_be_provided', 'request_is_invalid']

  anyInput('no text is a token', 150, anyText, async ({ t, ask }, text) => {
    for (const method of doors) {
      const query = `/auth?${new URLSearchParams({ token: text })}`
      isRefused(t, await ask(method, query), ...notTokens)
      for (const sending of [...waysOf(text), form({ token: text })]) {
        isRefused(t, await ask(method, '/auth', sending), ...notTokens)
      }
    }
  })

  const bytes = fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array))
  const threeParts = fc.tuple(bytes, bytes, bytes).map((parts) => {
    return parts.map((part) => part.toString('base64url')).join('.')
  })
  anyInput('no bytes are a token', 150, threeParts, async ({ t, ask }, text) => {
    for (const method of doors) {
      for (const sending of waysOf(text)) {
        isRefused(t, await ask(method, '/auth', sending), ...notTokens)
      }
    }
  })

  const mutation = fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    length: fc.nat(3),
    by: fc.oneof(fc.string({ maxLength: 3 }), anyText, fc.constantFrom('.', '=', 'A', '-', ' ')),
  })
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 })
  anyInput('no real token that was altered is one', 300, mutations, async (trial, changes) => {
    const { t, ask, user } = trial
    let text = user.token
    for (const { at, length, by } of changes) {
      const from = Math.floor(at * text.length)
      text = text.slice(0, from) + by + text.slice(from + length)
    }
    fc.pre(text !== user.token)
    for (const method of doors) {
      for (const sending of waysOf(text)) {
        isRefused(t, await ask(method, '/auth', sending), ...notTokens)
      }
    }
  })

  const wrongName = anyText.filter((name) => {
    return !/^[a-z0-9._@+-]{1,128}$/.test(name.normalize('NFKC').toLowerCase())
  })
  anyInput('no other name is a username', 200, wrongName, async ({ t, ask }, username) => {
    for (const [method, path] of credentialRoutes) {
      const sent = json({ username, password: PASSWORD })
      isRefused(t, await ask(method, path, sent), 'username_validation_failed')
    }
  })

  const wrongWord = anyText.filter((word) => {
    const { length } = [...word]
    return length < 8 || length > 128 || !word.isWellFormed()
  })
  anyInput('no other text is a password to set', 200, wrongWord, async (trial, password) => {
    const { t, ask, user } = trial
    const change = json({ username: user.username, password })
    isRefused(t, await ask('PATCH', '/auth/user', change), 'password_validation_failed')
    const newcomer = json({ username: newUsername(), password })
    isRefused(t, await ask('POST', '/auth/user', newcomer), 'password_validation_failed')
    const login = await ask('POST', '/auth', change)
    isRefused(t, login, 'password_validation_failed', 'bad_credentials')
  })

  anyInput('no JSON is a request by itself', 300, anyJson, async ({ t, ask }, text) => {
    for (const [method, path] of credentialRoutes) {
      // A username that no name can be, so that what is drawn beside never makes a user.
      const wrapped = `{"username":[${text}],"password":${text},"tenant":${text},"x":${text}}`
      isRefused(t, await ask(method, path, raw(wrapped)))
    }
    for (const method of doors) {
      isRefused(t, await ask(method, '/auth', raw(text)))
      isRefused(t, await ask(method, '/auth', raw(`{"token":${text},"scope":${text}}`)))
    }
  })

  const members = fc.array(fc.tuple(anyName, anyJson), { maxLength: 6 }).map((list) => {
    return list.filter(([name]) => name !== 'username')
  })
  anyInput('no members beside make a user', 200, members, async ({ t, ask }, list) => {
    for (const [method, path] of credentialRoutes) {
      isRefused(t, await ask(method, path, raw(objectOf(list))))
    }
  })

  anyInput('no bytes are a body', 200, bytes, async ({ t, ask }, body) => {
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
      for (const [method, path] of [...credentialRoutes, ['DELETE', '/auth'] as const]) {
        isRefused(t, await ask(method, path, { headers: { 'Content-Type': type }, body }))
      }
    }
  })

  const headerName = fc.constantFrom(
    'Authorization',
    'Content-Type',
    'Content-Encoding',
    'X-Request-Id',
    'X-HTTP-Method-Override',
    'X-Forwarded-For',
    'X-Original-URL',
    'Cookie',
    'Accept',
    'Accept-Encoding',
    'Range',
    'If-None-Match',
    'Origin',
  )
  const headerValue = fc.oneof(
    fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    }),
    fc.string({
      unit: fc.integer({ min: 0xa0, max: 0xff }).map((code) => String.fromCharCode(code)),
    }),
    fc.constantFrom('Bearer', 'Bearer x', 'Basic eDp5', 'gzip', 'DELETE', 'application/json', '*'),
  )
  const headers = fc.dictionary(headerName, headerValue, { maxKeys: 5 })
  anyInput('no headers are a credential', 200, headers, async ({ t, ask, user }, sent) => {
    for (const method of doors) isRefused(t, await ask(method, '/auth', { headers: sent }))
    const body = json({ username: user.username, password: 'not that one' })
    isRefused(t, await ask('POST', '/auth', { body: String(body.body), headers: sent }))
  })

  const step = fc.oneof(
    fc.constantFrom('auth', 'user', '..', '.', '%2e%2e', '%61uth', '', 'healthz', '%00', '%'),
    fc.string({ unit: fc.constantFrom(...'abcXYZ019-._~!$&()*+,;=:@%/') }),
  )
  const path = fc.array(step, { maxLength: 4 }).map((steps) => `/${steps.join('/')}`)
  const notThere = path.filter((one) => allowed(one) === undefined)
  anyInput('no other path is there', 200, notThere, async ({ t, ask, user }, one) => {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'BREW']) {
      const answer = await ask(method, one, bearer(user.token))
      isRefused(t, answer, 'not_found', 'request_is_invalid')
    }
  })

  test('for any input: a name that is taken is stored literally, in NFKC', async (t) => {
    const { engine } = opened()
    const ask = await asking(t, engine)
    const name = fc.string({ unit: fc.constantFrom(...'azAZ09._@+-ａＺ４＠'), maxLength: 100 })
    await runs(60, name, async (drawn) => {
      const username = `${newUsername()}${drawn}`
      fc.pre(username.length <= 128)
      const { status, text } = await ask(
        'POST',
        '/auth/user',
        json({ username, password: PASSWORD }),
      )
      t.is(status, 201, text)
      const folded = username.normalize('NFKC').toLowerCase()
      const stored = await engine.read(
        'MATCH (user:User {key: $key}) RETURN user.username AS username',
        { key: `default/${folded}` },
      )
      t.deepEqual(stored, [{ username: username.normalize('NFKC') }])
    })
  })

  test('for any input: a password that is taken logs in, to the letter', async (t) => {
    const ask = await asking(t, opened().engine)
    const word = fc.string({ unit: 'binary', minLength: 8, maxLength: 128 })
    await runs(
      60,
      fc.oneof(
        word,
        word.map((text) => `${text}`.slice(0, 60).repeat(2)),
      ),
      async (password) => {
        fc.pre(isNewPassword(password))
        const user = { username: newUsername(), password }
        t.is((await ask('POST', '/auth/user', json(user))).status, 201)
        t.is((await ask('POST', '/auth', json(user))).status, 200)
        const longer = await ask('POST', '/auth', json({ ...user, password: `${password}x` }))
        isRefused(t, longer, 'bad_credentials')
        const shorter = await ask(
          'POST',
          '/auth',
          json({ ...user, password: password.slice(0, -1) }),
        )
        isRefused(t, shorter, 'bad_credentials', 'password_validation_failed')
      },
    )
  })
}

function isNewPassword(text: string): boolean {
  try {
    return parseNewPassword(text) === text
  } catch {
    return false
  }
}

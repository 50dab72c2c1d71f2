import anyTest, { type ExecutionContext } from 'ava'
import { type Ask, asking, doors, loggedIn } from '../support/asking.ts'
import { counted, countedInAll } from '../support/counted.ts'
import { type Answer, bearer, form, json, type Sending } from '../support/http-client.ts'
import { startService } from '../support/service-process.ts'
import { registerOnEngines } from '../support/suites.ts'
import { newUsername, PASSWORD } from '../support/world.ts'

const credentialRoutes = [
  ['POST', '/auth'],
  ['POST', '/auth/user'],
  ['PATCH', '/auth/user'],
] as const

// As raw JSON: an object literal's __proto__ would be no member.
const values = {
  'an object': '{"$ne":""}',
  'an array': '["ada"]',
  'an array of arrays': '[[["ada"]]]',
  'a number': '1e400',
  null: 'null',
  true: 'true',
  'an object with __proto__': '{"__proto__":{"username":"ada"}}',
  'an object with constructor': '{"constructor":{"prototype":{"admin":true}}}',
  'an object with toString': '{"toString":"x","length":8}',
}

const cypher = [
  "' OR 1=1 //",
  "'}) DETACH DELETE user //",
  '"}) MATCH (n) DETACH DELETE n //',
  '`}) SET user.role = `admin',
  'a`:User {id: $id})-[r]-(`b',
  '$password OR $username',
  '\\u0027 RETURN 1 //',
  '{{7*7}} #{7*7} <script>alert(1)</script>',
]

const lines = {
  'CR LF': 'ada\r\n{"level":"info","msg":"forged"}',
  ANSI: '\u001b[2J\u001b[31mada\u001b[0m',
  NUL: 'ada\u0000admin',
  'U+2028': 'ada\u2028{"msg":"forged"}',
  'U+202E': 'ada\u202enimda',
  'a lone surrogate': 'ada\ud800',
  'a lone low surrogate': '\udc00ada',
  'U+FEFF': '\ufeffada',
}

function raw(body: string): Sending {
  return { headers: { 'Content-Type': 'application/json' }, body }
}

/** A body of two valid credentials, one of them replaced by raw JSON. */
function replaced(name: string, value: string): Sending {
  const others = { username: newUsername(), password: PASSWORD, currentPassword: PASSWORD }
  const members = Object.entries(others).filter(([other]) => other !== name)
  const rows = members.map(([other, text]) => `"${other}":${JSON.stringify(text)}`)
  return raw(`{${[...rows, `"${name}":${value}`].join()}}`)
}

function isRefused(t: ExecutionContext, { status, text }: Answer, what: string): void {
  t.true(status >= 400 && status < 500, `${what}: ${status} ${text}`)
}

registerOnEngines(
  (test, opened) => {
    for (const [name, value] of Object.entries(values)) {
      test(`input: ${name} in every field is refused and stores nothing`, async (t) => {
        const { engine } = opened()
        const ask = await asking(t, engine)
        const { username, token } = await loggedIn(ask)
        const before = await counted(engine, username)
        for (const [method, path] of credentialRoutes) {
          const wrongName = await ask(method, path, replaced('username', value))
          t.is(wrongName.json.message, 'Username validation failed', wrongName.text)
          const wrongWord = await ask(method, path, replaced('password', value))
          t.is(wrongWord.json.message, 'Password validation failed', wrongWord.text)
          isRefused(t, await ask(method, path, raw(value)), `${method} ${path}`)
        }
        const current = await ask('PATCH', '/auth/user', replaced('currentPassword', value))
        t.is(current.json.message, 'Password validation failed', current.text)
        for (const method of doors) {
          isRefused(t, await ask(method, '/auth', raw(`{"token":${value}}`)), method)
        }
        const scope = raw(`{"scope":${value}}`)
        const scoped = await ask('DELETE', '/auth', bearer(token, scope))
        t.is(scoped.json.message, 'Request is invalid', scoped.text)
        t.deepEqual(await counted(engine, username), before)
      })
    }

    test('input: __proto__, constructor, role and admin beside are never stored', async (t) => {
      const { engine } = opened()
      const ask = await asking(t, engine)
      const username = newUsername()
      const others = [
        '"__proto__":{"status":"x","admin":true}',
        '"constructor":{"prototype":{"admin":true}}',
        '"role":"admin","roles":["admin"],"admin":true,"isAdmin":1',
        '"status":"suspended","generation":7,"id":"x","key":"default/root","passwordHash":"x"',
      ]
      const members = `"username":"${username}","password":"${PASSWORD}",${others.join()}`
      t.is((await ask('POST', '/auth/user', raw(`{${members}}`))).status, 201)
      const [stored] = await engine.read(
        `MATCH (user:User {username: $username})
RETURN keys(user) AS names, user.generation AS generation, user.status AS status, user.key AS key`,
        { username },
      )
      const { names } = stored as { names: string[] }
      const own = ['createdAt', 'generation', 'id', 'key', 'passwordHash', 'status', 'username']
      t.deepEqual(names.toSorted(), own)
      t.like(stored, { generation: 0, status: 'active', key: `default/${username}` })
      const login = await ask('POST', '/auth', raw(`{${members}}`))
      const verified = await ask('GET', '/auth', bearer(login.json.token))
      t.false(/admin|role/.test(verified.text), verified.text)
      t.is(({} as { admin?: unknown }).admin, undefined, 'no prototype was changed')
    })

    test('input: names of prototypes are names like others', async (t) => {
      const ask = await asking(t, opened().engine)
      // A name that was registered by an earlier run on the same Neo4j is there, and no more.
      for (const username of ['__proto__', 'constructor', 'tostring', 'hasownproperty']) {
        const user = { username, password: PASSWORD }
        const { status, text } = await ask('POST', '/auth/user', form(user))
        t.true(status === 201 || status === 409, text)
        const { json: grant } = await ask('POST', '/auth', form(user))
        t.is((await ask('GET', '/auth', bearer(grant.token))).json.username, username)
      }
    })

    test('input: Cypher and backticks in every field are refused or stored literally', async (t) => {
      const { engine } = opened()
      const ask = await asking(t, engine)
      const kept = await loggedIn(ask)
      const before = await counted(engine, kept.username)
      for (const text of cypher) await tryCypher(t, ask, text)
      t.is((await ask('GET', '/auth', bearer(kept.token))).status, 200)
      // What the valid ones of these stored is in the totals; nothing of anybody else went or came.
      const after = await counted(engine, kept.username)
      t.like(after, { sessions: before.sessions, tokens: before.tokens, entries: before.entries })
    })

    test('input: line breaks and control characters in names store nothing', async (t) => {
      const { engine } = opened()
      const ask = await asking(t, engine)
      const before = await countedInAll(engine)
      for (const [name, text] of Object.entries(lines)) {
        for (const [method, path] of credentialRoutes) {
          const sent = json({ username: text, password: PASSWORD })
          const answer = await ask(method, path, sent)
          t.is(answer.json.message, 'Username validation failed', name)
        }
      }
      t.deepEqual(await countedInAll(engine), before)
    })

    test('input: a password is taken literally, or refused where it is not Unicode', async (t) => {
      const ask = await asking(t, opened().engine)
      for (const [name, text] of Object.entries(lines)) {
        const user = { username: newUsername(), password: `${text} and more` }
        const { status, json: told } = await ask('POST', '/auth/user', json(user))
        if (name.includes('surrogate')) {
          t.is(told.message, 'Password validation failed')
          continue
        }
        t.is(status, 201, name)
        t.is((await ask('POST', '/auth', json(user))).status, 200, name)
        const stripped = user.password.replaceAll(/[^ -~]/g, '')
        const other = await ask('POST', '/auth', json({ ...user, password: stripped }))
        t.is(other.status, 401, name)
      }
    })
  },
  undefined,
  anyTest.serial,
)

async function tryCypher(t: ExecutionContext, ask: Ask, text: string): Promise<void> {
  const username = newUsername()
  const password = `${text}, a password`
  for (const [method, path] of credentialRoutes) {
    const answer = await ask(method, path, json({ username: text, password }))
    t.is(answer.json.message, 'Username validation failed', text)
  }
  for (const method of doors) {
    for (const sending of [json({ token: text }), form({ token: text })]) {
      t.is((await ask(method, '/auth', sending)).json.message, 'Token is invalid', text)
    }
  }
  const named = `?${new URLSearchParams([[text, text]])}`
  isRefused(t, await ask('GET', `/auth${named}`), text)
  const user = { username, password }
  t.is((await ask('POST', '/auth/user', json({ ...user, [text]: text }))).status, 201, text)
  const change = { ...user, password: `${password} changed`, currentPassword: password }
  t.is((await ask('PATCH', '/auth/user', form(change))).status, 201, text)
  t.is((await ask('POST', '/auth', json(user))).status, 401, text)
  const login = await ask('POST', '/auth', form({ ...user, password: change.password }))
  t.is(login.status, 200, text)
}

anyTest.serial(
  'input: CR LF and ANSI in any field are one JSON line an event in the log',
  async (t) => {
    const service = await startService(t, { LOG_LEVEL: 'trace' })
    const ids: string[] = []
    for (const [name, text] of Object.entries(lines)) {
      const sendings: [string, string, Sending][] = [
        ...credentialRoutes.map(([method, path]): [string, string, Sending] => [
          method,
          path,
          json({ username: text, password: `${text} password`, [text]: text }),
        ]),
        ['GET', '/auth', json({ token: text })],
        ['DELETE', `/auth?scope=${encodeURIComponent(text.toWellFormed())}`, bearer('x')],
        ['GET', `/auth/${encodeURIComponent(text.toWellFormed())}`, {}],
        ['GET', '/auth', { headers: { 'X-Request-Id': encodeURI(text.toWellFormed()) } }],
      ]
      for (const [method, path, sending] of sendings) {
        const answer = await service.request(method, path, sending)
        isRefused(t, answer, `${method} ${path} ${name}`)
        ids.push(String(answer.headers['x-request-id']))
      }
    }
    await service.said(new RegExp(`"requestId":"${ids.at(-1)}".*\n`))
    // Every line is JSON by itself, or this throws.
    const logged = service.logs().filter(({ msg }) => msg === 'request')
    t.deepEqual(
      logged.map(({ requestId }) => requestId),
      ids,
    )
    for (const trace of ['forged', '\u001b', '\u2028', '\r']) {
      t.false(service.output().includes(trace), JSON.stringify(trace))
    }
  },
)

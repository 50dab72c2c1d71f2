import type { ExecutionContext } from 'ava'
import { type Answer, send } from '../support/http-client.ts'
import { serveTestService } from '../support/http-service.ts'
import { type Declare, type Opened, registerOnEngines } from '../support/suites.ts'
import { newUsername, PASSWORD } from '../support/world.ts'

type Fields = Record<string, string>

/** The ways of passing parameters: JSON, form, query string. */
const ways = {
  JSON: (fields: Fields) => ({
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(fields),
  }),
  form: (fields: Fields) => ({
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  }),
  'query string': (fields: Fields) => ({ query: `?${new URLSearchParams(fields)}` }),
}

const bearer = {
  Bearer: (token: string) => ({ headers: { Authorization: `Bearer ${token}` } }),
  bEARER: (token: string) => ({ headers: { Authorization: `bEARER ${token}` } }),
}

interface Sent {
  headers?: Record<string, string | string[]>
  body?: string
  query?: string
}

for (const fromMemory of [false, true]) {
  registerOnEngines(
    (test, opened) => apiContract(test, opened, fromMemory),
    fromMemory ? 'from memory' : 'from the graph',
  )
}

function apiContract(test: Declare, opened: () => Opened, fromMemory: boolean): void {
  async function service(t: ExecutionContext, options = {}) {
    const served = await serveTestService(opened().engine, { fromMemory, ...options })
    t.teardown(served.close)
    return (method: string, path: string, { query = '', ...rest }: Sent = {}): Promise<Answer> =>
      send(served.url, { method, path: path + query, ...rest })
  }

  type Ask = Awaited<ReturnType<typeof service>>

  async function registered(ask: Ask): Promise<Fields> {
    const credentials = { username: newUsername(), password: PASSWORD }
    await ask('POST', '/auth/user', ways.JSON(credentials))
    return credentials
  }

  async function loggedIn(ask: Ask): Promise<string> {
    const { json } = await ask('POST', '/auth', ways.JSON(await registered(ask)))
    return json.token as string
  }

  function fails(t: ExecutionContext, answer: Answer, status: number, message: string): void {
    const code = message.toLowerCase().replaceAll(' ', '_')
    t.is(answer.status, status, answer.text)
    t.is(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
    t.is(answer.headers['cache-control'], 'no-store')
    t.like(answer.json, { message, title: message, status, code, type: `/problems/${code}` })
    const challenge = answer.headers['www-authenticate']
    if (status !== 401) t.is(challenge, undefined)
    else if (message === 'Bad credentials') t.is(challenge, 'Bearer realm="sessiongraph"')
    else t.regex(String(challenge), /^Bearer realm="sessiongraph", error="invalid_token", /)
  }

  function succeeds(t: ExecutionContext, answer: Answer, status: number, members: string[]): void {
    t.is(answer.status, status, answer.text)
    t.is(answer.headers['content-type'], 'application/json; charset=utf-8')
    t.is(answer.headers['cache-control'], 'no-store')
    t.deepEqual(Object.keys(answer.json).toSorted(), members.toSorted())
    if (members.includes('message')) t.is(answer.json.message, 'Success')
  }

  for (const [way, passed] of Object.entries(ways)) {
    test(`the rows of users and log-ins, parameters as ${way}`, async (t) => {
      const ask = await service(t)
      const user = { username: newUsername(), password: PASSWORD }
      succeeds(t, await ask('POST', '/auth/user', passed(user)), 201, ['message'])
      fails(t, await ask('POST', '/auth/user', passed(user)), 409, 'User already exists')
      const unknown = { ...user, username: newUsername() }
      const wrong = { ...user, password: 'wrong' }
      fails(t, await ask('POST', '/auth', passed(unknown)), 400, 'User does not exist')
      fails(t, await ask('POST', '/auth', passed(wrong)), 401, 'Bad credentials')
      const granted = await ask('POST', '/auth', passed(user))
      succeeds(t, granted, 200, ['message', 'token', 'expiresAt', 'refreshAfter'])

      fails(t, await ask('PATCH', '/auth/user', passed(unknown)), 400, 'User does not exist')
      const change = { ...user, password: 'another horse' }
      const wrongly = { ...change, currentPassword: 'wrong' }
      fails(t, await ask('PATCH', '/auth/user', passed(wrongly)), 401, 'Bad credentials')
      succeeds(t, await ask('PATCH', '/auth/user', passed(change)), 201, ['message'])
      fails(t, await ask('POST', '/auth', passed(user)), 401, 'Bad credentials')
      t.is((await ask('POST', '/auth', passed(change))).status, 200)
    })

    test(`the validation failures, parameters as ${way}`, async (t) => {
      const ask = await service(t)
      const good = { username: newUsername(), password: PASSWORD }
      const [noName, noPassword] = [{ password: PASSWORD }, { username: good.username }]
      for (const [method, path] of [
        ['POST', '/auth/user'],
        ['PATCH', '/auth/user'],
        ['POST', '/auth'],
      ] as const) {
        for (const bad of [noName, {}, { ...good, username: '' }, { ...good, username: 'a b' }]) {
          fails(t, await ask(method, path, passed(bad)), 400, 'Username validation failed')
        }
        for (const bad of [noPassword, { ...good, password: '' }]) {
          fails(t, await ask(method, path, passed(bad)), 400, 'Password validation failed')
        }
      }
      const short = passed({ ...good, password: 'short' })
      fails(t, await ask('POST', '/auth/user', short), 400, 'Password validation failed')
    })
  }

  const tokenWays = {
    ...bearer,
    ...Object.fromEntries(
      Object.entries(ways).map(([way, passed]) => [way, (token: string) => passed({ token })]),
    ),
  } as Record<string, (token: string) => Sent>

  for (const [way, passed] of Object.entries(tokenWays)) {
    test(`the rows of tokens, the token as ${way}`, async (t) => {
      const ask = await service(t, { rules: { graceSeconds: 30 } })
      const token = await loggedIn(ask)
      const verified = await ask('GET', '/auth', passed(token))
      const shown = ['username', 'session', 'issuedAt', 'expiresAt', 'refreshAfter']
      succeeds(t, verified, 200, shown)
      const head = await ask('HEAD', '/auth', passed(token))
      t.is(head.status, 200)
      t.is(head.text, '')
      const refreshed = await ask('PATCH', '/auth', passed(token))
      succeeds(t, refreshed, 200, ['token', 'expiresAt', 'refreshAfter'])
      const { json: next } = await ask('GET', '/auth', passed(refreshed.json.token as string))
      t.is(next.refreshAfter, refreshed.json.refreshAfter)
      t.is(next.session, verified.json.session)
      succeeds(t, await ask('DELETE', '/auth', passed(token)), 200, ['message'])
      for (const method of ['GET', 'PATCH', 'DELETE']) {
        fails(t, await ask(method, '/auth', passed(token)), 401, 'Token is blacklisted')
        fails(t, await ask(method, '/auth', passed('junk')), 400, 'Token is invalid')
        fails(t, await ask(method, '/auth', passed('')), 400, 'Token must be provided')
        fails(t, await ask(method, '/auth'), 400, 'Token must be provided')
      }
    })
  }

  test('an expired token is told so', async (t) => {
    const ask = await service(t, { rules: { tokenSeconds: 1 } })
    const token = await loggedIn(ask)
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      fails(t, await ask(method, '/auth', bearer.Bearer(token)), 401, 'Token is expired')
    }
  })

  test('the scope of a log-out is the session or the token', async (t) => {
    const ask = await service(t)
    const token = await loggedIn(ask)
    const { json } = await ask('PATCH', '/auth', bearer.Bearer(token))
    const scoped = (scope: string) => ({ ...bearer.Bearer(token), query: `?scope=${scope}` })
    fails(t, await ask('DELETE', '/auth', scoped('user')), 400, 'Request is invalid')
    t.is((await ask('DELETE', '/auth', scoped('token'))).status, 200)
    t.is((await ask('GET', '/auth', bearer.Bearer(json.token as string))).status, 200)
  })

  test('two credentials that differ are refused and change nothing', async (t) => {
    const ask = await service(t)
    const [token, other] = [await loggedIn(ask), await loggedIn(ask)]
    const header = `Bearer ${token}`
    const json = (text: string) => ({ headers: { 'Content-Type': 'application/json' }, body: text })
    const conflicts: Sent[] = [
      { headers: { Authorization: [header, `Bearer ${other}`] } },
      { headers: { Authorization: header }, query: `?token=${other}` },
      { ...json(`{"token":"${token}"}`), query: `?token=${other}` },
      { query: `?token=${token}&token=${other}` },
      json(`{"token":"${token}","token":"${other}"}`),
      json(`{"token":"${token}","\\u0074oken":"${other}"}`),
    ]
    for (const conflict of conflicts) {
      for (const method of ['PATCH', 'DELETE', 'GET']) {
        fails(t, await ask(method, '/auth', conflict), 400, 'Request is invalid')
      }
    }
    for (const one of [token, other]) {
      t.is((await ask('GET', '/auth', bearer.Bearer(one))).status, 200)
    }
    const twice = { headers: { Authorization: header }, query: `?token=${token}` }
    t.is((await ask('GET', '/auth', twice)).status, 200, 'the same one twice is one')
  })

  test('an Authorization header is Bearer and one token', async (t) => {
    const ask = await service(t)
    const token = await loggedIn(ask)
    for (const header of [`Basic ${token}`, token, `Bearer ${token} x`, `Bearer ${token}, x`]) {
      const sent = { headers: { Authorization: header } }
      fails(t, await ask('GET', '/auth', sent), 400, 'Request is invalid')
    }
    const empty = { headers: { Authorization: 'Bearer' } }
    fails(t, await ask('GET', '/auth', empty), 400, 'Token must be provided')
  })

  test('a token in the query string is refused where the rules say so', async (t) => {
    const ask = await service(t, { tokenInQuery: false })
    const token = await loggedIn(ask)
    fails(t, await ask('GET', '/auth', { query: `?token=${token}` }), 400, 'Request is invalid')
    t.is((await ask('GET', '/auth', bearer.Bearer(token))).status, 200)
  })

  test('a value of another JSON type is the 400 of its parameter', async (t) => {
    const ask = await service(t)
    for (const value of [null, 1, true, [], {}, ['ada'], { $ne: '' }]) {
      const sent = (fields: object) => ways.JSON(fields as Fields)
      const name = await ask('POST', '/auth', sent({ username: value, password: PASSWORD }))
      fails(t, name, 400, 'Username validation failed')
      const word = await ask('POST', '/auth', sent({ username: newUsername(), password: value }))
      fails(t, word, 400, 'Password validation failed')
      const token = await ask('GET', '/auth', sent({ token: value }))
      fails(t, token, 400, value === null ? 'Token must be provided' : 'Token is invalid')
    }
  })

  test('members that nobody asked for are ignored and never stored', async (t) => {
    const ask = await service(t)
    const username = newUsername()
    const body = `{"username":"${username}","password":"${PASSWORD}","admin":true,"__proto__":{"status":"x"},"constructor":1,"generation":7}`
    const sent = { headers: { 'Content-Type': 'application/json' }, body }
    t.is((await ask('POST', '/auth/user', sent)).status, 201)
    const [row] = await opened().engine.read(
      'MATCH (user:User {username: $username}) RETURN keys(user) AS names, user.generation AS generation',
      { username },
    )
    const { names, generation } = row as { names: string[]; generation: number }
    t.is(generation, 0)
    t.deepEqual(names.toSorted(), [
      'createdAt',
      'generation',
      'id',
      'key',
      'passwordHash',
      'status',
      'username',
    ])
  })

  test('broken and oversized bodies have their own failures', async (t) => {
    const ask = await service(t)
    const json = { 'Content-Type': 'application/json' }
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const broken: Sent[] = [
      { headers: json, body: '{' },
      { headers: json, body: '[]' },
      { headers: json, body: '"text"' },
      { headers: json, body: `${'['.repeat(8000)}${']'.repeat(8000)}` },
      { headers: form, body: 'username=%ff' },
      { headers: form, body: 'username=%' },
      { headers: { 'Content-Type': 'text/plain' }, body: 'username=ada' },
      { headers: { 'Content-Type': 'application/json; charset=utf-16' }, body: '{}' },
      { headers: { ...json, 'Content-Encoding': 'gzip' }, body: 'not gzip' },
      { headers: json, query: '?username=%c3', body: '{}' },
    ]
    for (const one of broken) {
      fails(t, await ask('POST', '/auth', one), 400, 'Request is invalid')
    }
    for (const size of [17 * 1024, 1_100_000]) {
      const large = { headers: form, body: `password=${'a'.repeat(size)}` }
      fails(t, await ask('POST', '/auth', large), 413, 'Request is too large')
    }
  })

  test('another method on a known path is 405 with Allow, an unknown path 404', async (t) => {
    const ask = await service(t)
    const allowed = {
      '/auth': 'POST, GET, HEAD, PATCH, DELETE, OPTIONS',
      '/auth/user': 'POST, PATCH, GET, HEAD, DELETE, OPTIONS',
    }
    for (const [path, methods] of Object.entries(allowed)) {
      for (const method of ['PUT', 'TRACE', 'PROPFIND', 'BREW']) {
        const answer = await ask(method, path)
        fails(t, answer, 405, 'Method not allowed')
        t.is(answer.headers.allow, methods)
      }
    }
    for (const path of ['/', '/AUTH', '/auth/', '/auth/user/', '//auth', '/%61uth', '/auth/x']) {
      for (const method of ['GET', 'POST', 'BREW']) {
        fails(t, await ask(method, path), 404, 'Not found')
      }
    }
  })

  test('the service tells that it lives and that it is ready', async (t) => {
    const ask = await service(t)
    for (const path of ['/healthz', '/readyz']) {
      succeeds(t, await ask('GET', path), 200, ['message'])
      t.is((await ask('HEAD', path)).status, 200)
    }
  })
}

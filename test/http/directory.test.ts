import type { ExecutionContext } from 'ava'
import { type Answer, bearer, form, json, type Sending, send } from '../support/http-client.ts'
import { serveTestService } from '../support/http-service.ts'
import { type Declare, type Opened, registerOnEngines } from '../support/suites.ts'
import { newTenant, newUsername, PASSWORD } from '../support/world.ts'

type Fields = Record<string, string>

/** The ways of passing parameters: JSON, form, query string. */
const ways: Record<string, (path: string, fields: Fields) => [string, Sending]> = {
  JSON: (path, fields) => [path, json(fields)],
  form: (path, fields) => [path, form(fields)],
  'query string': (path, fields) => [`${path}?${new URLSearchParams(fields)}`, {}],
}

const userRoutes = [
  ['GET', '/auth/user'],
  ['DELETE', '/auth/user'],
  ['POST', '/auth/user/suspend'],
  ['POST', '/auth/user/reinstate'],
  ['GET', '/auth/user/sessions'],
  ['DELETE', '/auth/user/sessions'],
] as const

const tenantRoutes = [
  ['POST', '/auth/tenant'],
  ['POST', '/auth/tenant/suspend'],
  ['POST', '/auth/tenant/reinstate'],
] as const

registerOnEngines((test: Declare, opened: () => Opened) => {
  async function service(t: ExecutionContext, options = {}) {
    const served = await serveTestService(opened().engine, { fromMemory: true, ...options })
    t.teardown(served.close)
    return (method: string, path: string, sending: Sending = {}): Promise<Answer> =>
      send(served.url, { method, path, ...sending })
  }

  type Ask = Awaited<ReturnType<typeof service>>

  function fails(t: ExecutionContext, answer: Answer, status: number, message: string): void {
    t.is(answer.status, status, answer.text)
    t.is(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
    t.like(answer.json, { message, status, code: message.toLowerCase().replaceAll(' ', '_') })
  }

  function succeeds(t: ExecutionContext, answer: Answer, status = 200): void {
    t.is(answer.status, status, answer.text)
    t.deepEqual(answer.json, { message: 'Success' })
    t.is(answer.headers['cache-control'], 'no-store')
  }

  async function registered(ask: Ask, more: Fields = {}): Promise<Fields> {
    const credentials = { username: newUsername(), password: PASSWORD, ...more }
    await ask('POST', '/auth/user', json(credentials))
    return credentials
  }

  async function logIn(ask: Ask, user: Fields): Promise<string> {
    return (await ask('POST', '/auth', json(user))).json.token as string
  }

  async function sessionOf(ask: Ask, token: string): Promise<string> {
    return (await ask('GET', '/auth', bearer(token))).json.session as string
  }

  for (const [way, passed] of Object.entries(ways)) {
    test(`the rows of users that are looked after, parameters as ${way}`, async (t) => {
      const ask = await service(t)
      const user = await registered(ask)
      const { username } = user as { username: string }
      const token = await logIn(ask, user)
      const call = (method: string, path: string, fields: Fields = {}) =>
        ask(method, ...passed(path, { username, ...fields }))

      const shown = await call('GET', '/auth/user')
      t.is(shown.status, 200)
      const members = ['createdAt', 'id', 'sessions', 'status', 'username']
      t.deepEqual(Object.keys(shown.json).toSorted(), members)
      t.like(shown.json, { username, status: 'active', sessions: 1 })

      const listed = await call('GET', '/auth/user/sessions')
      t.is(listed.status, 200)
      t.is(listed.json.count, 1)
      const [session] = listed.json.sessions as Record<string, unknown>[]
      t.deepEqual(Object.keys(session ?? {}).toSorted(), [
        'createdAt',
        'expiresAt',
        'lastTokenExpiresAt',
        'reason',
        'session',
        'state',
      ])
      t.like(session, { session: await sessionOf(ask, token), state: 'live', reason: null })

      succeeds(t, await call('POST', '/auth/user/suspend'))
      fails(t, await ask('GET', '/auth', bearer(token)), 401, 'Token is blacklisted')
      fails(t, await ask('POST', '/auth', json(user)), 403, 'User is suspended')
      t.like((await call('GET', '/auth/user')).json, { status: 'suspended', sessions: 0 })
      succeeds(t, await call('POST', '/auth/user/reinstate'))
      fails(t, await ask('GET', '/auth', bearer(token)), 401, 'Token is blacklisted')

      const tokens = [await logIn(ask, user), await logIn(ask, user), await logIn(ask, user)]
      const ids = await Promise.all(tokens.map((one) => sessionOf(ask, one)))
      succeeds(t, await call('DELETE', '/auth/user/sessions', { session: ids[0] as string }))
      const verify = async () => {
        const answers = await Promise.all(tokens.map((one) => ask('GET', '/auth', bearer(one))))
        return answers.map(({ status }) => status)
      }
      t.deepEqual(await verify(), [401, 200, 200])
      succeeds(t, await call('DELETE', '/auth/user/sessions', { except: ids[2] as string }))
      t.deepEqual(await verify(), [401, 401, 200])
      succeeds(t, await call('DELETE', '/auth/user/sessions'))
      t.deepEqual(await verify(), [401, 401, 401])

      succeeds(t, await call('DELETE', '/auth/user'))
      for (const [method, path] of userRoutes) {
        fails(t, await call(method, path), 400, 'User does not exist')
      }
      fails(t, await ask('POST', '/auth', json(user)), 400, 'User does not exist')
      t.is((await ask('POST', '/auth/user', json(user))).status, 201, 'the name is free')
      t.deepEqual(await verify(), [401, 401, 401])
    })

    test(`the rows of tenants, parameters as ${way}`, async (t) => {
      const ask = await service(t)
      const tenant = newTenant()
      const call = (method: string, path: string, fields: Fields = { tenant }) =>
        ask(method, ...passed(path, fields))
      const user = { username: newUsername(), password: PASSWORD, tenant }

      fails(t, await call('POST', '/auth/user', user), 400, 'Tenant does not exist')
      fails(t, await call('POST', '/auth/tenant/suspend'), 400, 'Tenant does not exist')
      succeeds(t, await call('POST', '/auth/tenant'), 201)
      fails(t, await call('POST', '/auth/tenant'), 409, 'Tenant already exists')
      const listed = await ask('GET', '/auth/tenant')
      t.is(listed.status, 200)
      const tenants = listed.json.tenants as Record<string, string>[]
      const named = tenants.find((one) => one.tenant === tenant)
      t.deepEqual(Object.keys(named ?? {}).toSorted(), ['id', 'status', 'tenant'])
      t.is(named?.status, 'active')
      t.truthy(tenants.find((one) => one.tenant === 'default'))

      succeeds(t, await call('POST', '/auth/user', user), 201)
      const granted = await call('POST', '/auth', user)
      t.is(granted.status, 200)
      const elsewhere = { username: user.username, password: PASSWORD }
      fails(t, await call('POST', '/auth', elsewhere), 400, 'User does not exist')
      const token = granted.json.token as string
      succeeds(t, await call('POST', '/auth/tenant/suspend'))
      fails(t, await ask('GET', '/auth', bearer(token)), 401, 'Token is blacklisted')
      fails(t, await call('POST', '/auth', user), 403, 'Tenant is suspended')
      fails(t, await call('POST', '/auth/user', user), 403, 'Tenant is suspended')
      const wrong = { ...user, password: 'wrong' }
      fails(t, await call('POST', '/auth', wrong), 401, 'Bad credentials')
      const shown = await call('GET', '/auth/user', { username: user.username, tenant })
      t.like(shown.json, { status: 'active', sessions: 0 })
      succeeds(t, await call('POST', '/auth/tenant/reinstate'))
      fails(t, await ask('GET', '/auth', bearer(token)), 401, 'Token is blacklisted')
      t.is((await call('POST', '/auth', user)).status, 200)
    })

    test(`what is wrong with the parameters comes first, as ${way}`, async (t) => {
      const ask = await service(t)
      for (const [method, path] of userRoutes) {
        for (const bad of [{}, { username: '' }, { username: 'a b' }] as Fields[]) {
          fails(t, await ask(method, ...passed(path, bad)), 400, 'Username validation failed')
        }
      }
      fails(t, await ask('POST', ...passed('/auth/tenant', {})), 400, 'Request is invalid')
      for (const tenant of ['', 'Acme', 'a/b', 'a'.repeat(65), '../x', "a' OR 1=1"]) {
        fails(
          t,
          await ask('POST', ...passed('/auth/tenant', { tenant })),
          400,
          'Request is invalid',
        )
      }
    })
  }

  test('a session that is not named well ends nothing', async (t) => {
    const ask = await service(t)
    const user = await registered(ask)
    const { username } = user
    const token = await logIn(ask, user)
    const session = await sessionOf(ask, token)
    const other = await sessionOf(ask, await logIn(ask, await registered(ask)))
    for (const name of ['session', 'except']) {
      for (const value of [null, 1, {}, [session], true]) {
        const sent = json({ username, [name]: value })
        fails(t, await ask('DELETE', '/auth/user/sessions', sent), 400, 'Request is invalid')
      }
      for (const value of ['', 'junk', other, session.slice(0, -1)]) {
        const sent = json({ username, [name]: value })
        fails(t, await ask('DELETE', '/auth/user/sessions', sent), 400, 'Session does not exist')
      }
    }
    const both = json({ username, session, except: session })
    fails(t, await ask('DELETE', '/auth/user/sessions', both), 400, 'Request is invalid')
    const twice = `/auth/user/sessions?session=${session}`
    const sent = json({ username, session: other })
    fails(t, await ask('DELETE', twice, sent), 400, 'Request is invalid')
    t.is((await ask('GET', '/auth', bearer(token))).status, 200)
  })

  test('a tenant of another JSON type is 400 and changes nothing', async (t) => {
    const ask = await service(t)
    const { username } = await registered(ask)
    for (const tenant of [null, 1, {}, ['default'], true]) {
      for (const [method, path] of [...userRoutes, ...tenantRoutes]) {
        const answer = await ask(method, path, json({ username, tenant }))
        fails(t, answer, 400, 'Request is invalid')
      }
    }
    t.is((await ask('GET', '/auth/user', json({ username }))).status, 200)
  })

  test('at the limit of sessions the oldest ends before the log-in is answered', async (t) => {
    const ask = await service(t, { rules: { sessionsPerUser: 2 } })
    const user = await registered(ask)
    const tokens = [await logIn(ask, user), await logIn(ask, user), await logIn(ask, user)]
    fails(t, await ask('GET', '/auth', bearer(tokens[0])), 401, 'Token is blacklisted')
    for (const token of tokens.slice(1)) {
      t.is((await ask('GET', '/auth', bearer(token))).status, 200)
    }
    const listed = await ask('GET', '/auth/user/sessions', json({ username: user.username }))
    t.is(listed.json.count, 2)
    const sessions = listed.json.sessions as { state: string; reason: string }[]
    t.deepEqual(sessions.map(({ state }) => state).toSorted(), ['ended', 'live', 'live'])
    t.is(sessions.find(({ state }) => state === 'ended')?.reason, 'limit')
  })
})

import type { ExecutionContext } from 'ava'
import { type CallerScope, callerScopes } from '../../src/caller.ts'
import { createOperator } from '../../src/service/operate.ts'
import { bearer, json, type Sending, send } from '../support/http-client.ts'
import { serveTestService } from '../support/http-service.ts'
import { type Declare, type Open, type Opened, registerOnEngines } from '../support/suites.ts'
import { newCallerName, newUsername, PASSWORD } from '../support/world.ts'

/** Every route that callers need a scope for, with a request that it takes. */
const routes: [string, string, CallerScope][] = [
  ['POST', '/auth', 'sessions'],
  ['GET', '/auth', 'verify'],
  ['HEAD', '/auth', 'verify'],
  ['PATCH', '/auth', 'sessions'],
  ['DELETE', '/auth', 'sessions'],
  ['POST', '/auth/user', 'users'],
  ['PATCH', '/auth/user', 'users'],
]
const open = ['/healthz', '/readyz', '/metrics']

function withKey(key: string | string[], sending: Sending = {}): Sending {
  return { ...sending, headers: { ...sending.headers, 'X-Api-Key': key } }
}

async function serve(t: ExecutionContext, { engine }: Opened, fromMemory: boolean) {
  const served = await serveTestService(engine, { fromMemory, asksCallers: true })
  t.teardown(served.close)
  if (fromMemory) await served.trusted()
  const operator = createOperator(served.tools)
  const request = (method: string, path: string, sending: Sending = {}) =>
    send(served.url, { method, path, ...sending })
  return {
    ...served,
    operator,
    request,
    async add(scopes: readonly string[], others: object = {}) {
      const name = newCallerName()
      const { key } = await operator.addCaller({ name, scopes, ...others })
      return { name, key: key ?? '' }
    },
    /** A user with a live token. */
    async user(key: string) {
      const user = { username: newUsername(), password: PASSWORD }
      await request('POST', '/auth/user', withKey(key, json(user)))
      const { json: granted } = await request('POST', '/auth', withKey(key, json(user)))
      return { ...user, token: String(granted.token) }
    },
  }
}

function callersOverHttp(fromMemory: boolean) {
  return (test: Declare, opened: Open) => {
    test('each route is for callers with its scope, and none implies another', async (t) => {
      const { request, add, user } = await serve(t, opened(), fromMemory)
      const { key: all } = await add(callerScopes)
      const { username, password, token } = await user(all)
      for (const scope of callerScopes) {
        const { key } = await add([scope])
        const { key: others } = await add(callerScopes.filter((one) => one !== scope))
        for (const [method, path, needed] of routes) {
          const body = json({ username, password: scope === needed ? password : 'other horse' })
          const sending = method === 'HEAD' || path === '/auth' ? bearer(token, json({})) : body
          const given = method === 'POST' ? body : sending
          for (const [one, isRight] of [
            [key, scope === needed],
            [others, scope !== needed],
          ] as const) {
            const answer = await request(method, path, withKey(one, given))
            const what = `${method} ${path} with ${scope === needed ? 'its' : 'another'} scope`
            if (isRight) {
              t.false(['caller_scope', 'caller_unknown'].includes(String(answer.json.code)), what)
              t.not(answer.status, 403, what)
            } else {
              t.is(answer.status, 403, what)
              if (method === 'HEAD') continue
              t.is(answer.json.code, 'caller_scope', what)
              t.is(answer.json.message, 'Caller may not do this')
            }
          }
        }
      }
    })

    test('without a key, or with a wrong one, nothing is done but what is open', async (t) => {
      const { request, add, user, operator, tools } = await serve(t, opened(), fromMemory)
      const { key, name } = await add(callerScopes)
      const { token } = await user(key)
      const { key: revoked, name: gone } = await add(callerScopes)
      await request('GET', '/auth', withKey(revoked, bearer(token)))
      await operator.revokeCaller(gone)
      const username = newUsername()
      const registering = json({ username, password: PASSWORD })
      const flipped = `${key.slice(0, -5)}${key.endsWith('AAAAA') ? 'BBBBB' : 'AAAAA'}`
      const guesses = [undefined, '', 'x', name, `${key}x`, key.slice(0, -1), key.toUpperCase()]
      for (const guess of [...guesses, flipped, revoked, tools.apiKeys.make().text, token]) {
        for (const [method, path] of routes) {
          const sending = path === '/auth' ? bearer(token) : registering
          const answer = await request(
            method,
            path,
            guess === undefined ? sending : withKey(guess, sending),
          )
          t.is(answer.status, 401, `${method} ${path} ${guess}`)
          t.is(answer.headers['www-authenticate'], 'ApiKey realm="sessiongraph"')
          t.is(answer.headers['cache-control'], 'no-store')
          if (method !== 'HEAD') t.is(answer.json.code, 'caller_unknown')
        }
      }
      t.is((await request('GET', '/auth', withKey(key, bearer(token)))).status, 200)
      t.is((await request('POST', '/auth/user', withKey(key, registering))).status, 201)
      for (const path of open) t.is((await request('GET', path)).status, 200, path)
      t.is((await request('GET', '/')).status, 404)
      t.is((await request('PUT', '/auth')).status, 405)
    })

    test('two X-Api-Key headers are refused, the same one twice included', async (t) => {
      const { request, add, user } = await serve(t, opened(), fromMemory)
      const [{ key }, { key: other }] = [await add(callerScopes), await add(callerScopes)]
      const { token } = await user(key)
      for (let i = 0; i < 2; i += 1) {
        t.is((await request('GET', '/auth', withKey(key, bearer(token)))).status, 200)
      }
      for (const pair of [
        [key, key],
        [key, other],
        [key, ''],
        ['x', key],
      ]) {
        const answer = await request('GET', '/auth', withKey(pair, bearer(token)))
        t.is(answer.status, 400)
        t.is(answer.json.code, 'request_is_invalid')
      }
    })

    test('who calls is told before anything of the body is read', async (t) => {
      const { request, add } = await serve(t, opened(), fromMemory)
      const { key } = await add(['verify'])
      const broken = { headers: { 'Content-Type': 'application/json' }, body: '{"username":' }
      const large = { headers: { 'Content-Type': 'application/json' }, body: ' '.repeat(17_000) }
      for (const sending of [broken, large]) {
        t.is((await request('POST', '/auth/user', sending)).json.code, 'caller_unknown')
        t.is((await request('POST', '/auth/user', withKey(key, sending))).json.code, 'caller_scope')
      }
      const { key: able } = await add(['users'])
      t.is((await request('POST', '/auth/user', withKey(able, broken))).status, 400)
      t.is((await request('POST', '/auth/user', withKey(able, large))).status, 413)
    })

    test("a caller of a tenant is told nothing of another's tokens", async (t) => {
      const { request, add, user, tools } = await serve(t, opened(), fromMemory)
      const { key } = await add(callerScopes)
      const { key: own } = await add(callerScopes, { tenant: 'default' })
      const name = newCallerName()
      await opened().engine.write(
        `MERGE (tenant:Tenant {name: $name})
           ON CREATE SET tenant.id = $id, tenant.status = 'active', tenant.generation = 0`,
        { name, id: tools.newId() },
      )
      const { key: foreign } = await add(callerScopes, { tenant: name })
      const { token } = await user(key)
      for (let i = 0; i < 3; i += 1) {
        t.is((await request('GET', '/auth', withKey(own, bearer(token)))).status, 200)
        const answer = await request('GET', '/auth', withKey(foreign, bearer(token)))
        t.is(answer.status, 400)
        t.is(answer.json.code, 'token_is_invalid')
      }
      for (const method of ['PATCH', 'DELETE']) {
        t.is((await request(method, '/auth', withKey(foreign, bearer(token)))).status, 400)
      }
      t.is((await request('GET', '/auth', withKey(own, bearer(token)))).status, 200)
    })

    test('a key is in no log line, no metric, no answer and nowhere in the graph', async (t) => {
      const { request, add, user, logged, operator } = await serve(t, opened(), fromMemory)
      const { key, name } = await add(callerScopes)
      const { token } = await user(key)
      const { key: second } = await operator.rotateCaller({ name })
      const answers = [
        await request('GET', '/auth', withKey(key, bearer(token))),
        await request('GET', '/auth', withKey(String(second), bearer(token))),
        await request('GET', '/auth', withKey([key, key], bearer(token))),
        await request('GET', `/${key}`, withKey(key)),
        await request('GET', '/metrics', withKey(key)),
        await request('POST', '/auth', withKey(key, json({ username: key, password: key }))),
      ]
      const nodes = await opened().engine.read(
        'MATCH (caller:Caller {name: $name})-[:HOLDS]->(key:ApiKey) RETURN key.id AS id, key.hash AS hash, caller.id AS caller',
        { name },
      )
      t.is(nodes.length, 2)
      const listed = JSON.stringify(await operator.listCallers())
      for (const text of [key, String(second)]) {
        const secret = text.slice(27)
        for (const answer of answers) {
          t.false(answer.text.includes(secret))
          t.false(JSON.stringify(answer.headers).includes(secret))
        }
        t.false(JSON.stringify(logged).includes(secret))
        t.false(JSON.stringify(nodes).includes(secret))
        t.false(listed.includes(secret))
      }
      t.true(
        logged.some(
          ({ caller, route, status }) => caller === name && route === '/auth' && status === 200,
        ),
      )
      t.false((await request('GET', '/metrics')).text.includes(name))
    })

    if (!fromMemory) return

    test('the short way lets a known caller pass, and hands over what it does not know', async (t) => {
      const { request, add, user, counts, logged, operator } = await serve(t, opened(), fromMemory)
      const { key, name } = await add(['verify', 'sessions', 'users'])
      const { token } = await user(key)
      const ask = (given: string) => request('GET', '/auth', withKey(given, bearer(token)))
      t.is((await ask(key)).status, 200)
      const before = counts.framework
      for (let i = 0; i < 5; i += 1) t.is((await ask(key)).status, 200)
      t.is(counts.framework, before)
      t.like(logged.at(-1), { route: '/auth', status: 200, caller: name })
      const { key: unable } = await add(['sessions'])
      t.is((await ask(unable)).status, 403)
      t.is((await ask(unable)).status, 403)
      t.is((await ask(`${key}x`)).status, 401)
      await operator.revokeCaller(name)
      t.is((await ask(key)).status, 401)
    })
  }
}

registerOnEngines(callersOverHttp(false), 'from the graph')
registerOnEngines(callersOverHttp(true), 'from memory')

registerOnEngines((test, opened) => {
  test('where callers need not say who they are, a key is not looked at', async (t) => {
    const served = await serveTestService(opened().engine)
    t.teardown(served.close)
    const user = { username: newUsername(), password: PASSWORD }
    for (const key of ['x', ['x', 'y']]) {
      const sent = withKey(key, json(user))
      const { status } = await send(served.url, { method: 'POST', path: '/auth/user', ...sent })
      t.true(status === 201 || status === 409)
    }
  })
}, 'without callers')

import test from 'ava'
import { AuthError, codes } from '../../src/error.ts'
import { describeApi } from '../../src/http/openapi.ts'
import { descriptions } from '../../src/http/openapi-routes.ts'
import { routes } from '../../src/http/routes.ts'
import { requireDescribed } from '../support/described.ts'
import { engines } from '../support/engines.ts'
import { type Answer, send } from '../support/http-client.ts'
import { serveTestService } from '../support/http-service.ts'

interface Operation {
  operationId: string
  security: Record<string, string[]>[]
  responses: Record<string, object>
}

interface Described {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { oneOf?: { $ref: string }[] }> }
}

const api = describeApi() as unknown as Described

const operations = Object.entries(api.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ method, path, operation })),
)

test('every route of the table is described, and nothing else is', (t) => {
  const named = operations.map(
    ({ method, path, operation }) => `${method.toUpperCase()} ${path} ${operation.operationId}`,
  )
  t.deepEqual(
    named.toSorted(),
    routes.map(([method, path, name]) => `${method} ${path} ${name}`).toSorted(),
  )
  t.deepEqual(Object.keys(descriptions).toSorted(), routes.map(([, , name]) => name).toSorted())
})

test('each description names the scope of its route', (t) => {
  for (const [method, path, , scope] of routes) {
    const security = api.paths[path]?.[method.toLowerCase()]?.security ?? []
    const named = security.flatMap(({ callerKey }) => callerKey ?? [])
    t.deepEqual(new Set(named), new Set(scope === null ? [] : [scope]), `${method} ${path}`)
  }
})

test('the codes described are the closed list, each with its status and message', (t) => {
  const { schemas } = api.components
  const all = schemas.Problem?.oneOf?.map(({ $ref }) => $ref.split('/').at(-1))
  t.deepEqual(all, codes)
  for (const code of codes) {
    const { properties } = schemas[code] as { properties: Record<string, { const: unknown }> }
    t.is(properties.message?.const, new AuthError(code).message)
    t.is(properties.code?.const, code)
  }
})

test('every object of an answer is closed', (t) => {
  const open = Object.entries(api.components.schemas).filter(
    ([, schema]) => 'properties' in schema && !('additionalProperties' in schema),
  )
  t.deepEqual(open, [])
})

test('every reference of the description leads somewhere', (t) => {
  const refs = [...JSON.stringify(api).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, ref]) => ref)
  t.true(refs.length > 100)
  for (const ref of new Set(refs)) {
    let at: unknown = api
    for (const step of String(ref).split('/')) at = (at as Record<string, unknown>)?.[step]
    t.truthy(at, ref)
  }
})

test('the description is served at /openapi.json', async (t) => {
  const graph = await engines[0]?.open()
  if (!graph) throw new Error('there is no engine')
  const { url, close } = await serveTestService(graph)
  t.teardown(async () => {
    await close()
    await graph.close()
  })
  const answer = await send(url, { method: 'GET', path: '/openapi.json' })
  t.is(answer.status, 200)
  t.is(answer.headers['content-type'], 'application/json; charset=utf-8')
  t.is(answer.headers['cache-control'], 'no-store')
  t.deepEqual(answer.json, JSON.parse(JSON.stringify(api)))
  t.is(api.openapi, '3.1.1')
})

// The checker itself

const good: Answer = {
  status: 200,
  headers: {
    'x-request-id': 'one',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-type': 'application/json; charset=utf-8',
    'content-length': '21',
  },
  rawHeaders: [],
  text: '{"message":"Success"}',
  json: { message: 'Success' },
}

function refusal(code: (typeof codes)[number], more = {}, headers = {}): Answer {
  const { status, message } = new AuthError(code)
  const members = { type: `/problems/${code}`, title: message, status, code, message }
  return {
    ...good,
    status,
    headers: {
      ...good.headers,
      'content-type': 'application/problem+json; charset=utf-8',
      ...headers,
    },
    json: { ...members, detail: 'Do.', ...more },
  }
}

function headers(of: Record<string, string | undefined>): Answer {
  const all = Object.entries({ ...good.headers, ...of })
  return { ...good, headers: Object.fromEntries(all.filter(([, value]) => value !== undefined)) }
}

test('an answer as it is described is taken', (t) => {
  const challenge = { 'www-authenticate': 'Bearer realm="sessiongraph"' }
  t.notThrows(() => requireDescribed('DELETE', '/auth?scope=token', good))
  t.notThrows(() => requireDescribed('DELETE', 'http://host/auth?a', good))
  t.notThrows(() => requireDescribed('HEAD', '/healthz', { ...good, text: '', json: {} }))
  t.notThrows(() => requireDescribed('GET', '/auth', refusal('token_is_invalid')))
  t.notThrows(() => requireDescribed('GET', '/auth', refusal('token_is_expired', {}, challenge)))
  t.notThrows(() => requireDescribed('GET', '/nowhere', refusal('not_found')))
  const allow = { allow: 'POST, PATCH, GET, HEAD, DELETE, OPTIONS' }
  const options = {
    ...headers({ allow: allow.allow, 'content-type': undefined }),
    text: '',
    json: {},
  }
  t.notThrows(() => requireDescribed('OPTIONS', '/auth/user', { ...options, status: 204 }))
  t.notThrows(() => requireDescribed('PUT', '/auth/user', refusal('method_not_allowed', {}, allow)))
  t.notThrows(() =>
    requireDescribed('GET', '/readyz', {
      ...refusal('service_unavailable', { reasons: ['x'] }, { 'retry-after': '1' }),
    }),
  )
})

const deviations: [string, string, string, Answer][] = [
  ['another status', 'DELETE', '/auth', { ...good, status: 201 }],
  ['a member too many', 'DELETE', '/auth', { ...good, json: { message: 'Success', stack: '' } }],
  ['a member missing', 'DELETE', '/auth', { ...good, json: {} }],
  ['a member of another type', 'DELETE', '/auth', { ...good, json: { message: 1 } }],
  ['a body to HEAD', 'HEAD', '/healthz', good],
  ['no request id', 'DELETE', '/auth', headers({ 'x-request-id': undefined })],
  ['no no-store', 'DELETE', '/auth', headers({ 'cache-control': 'max-age=1' })],
  ['no nosniff', 'DELETE', '/auth', headers({ 'x-content-type-options': undefined })],
  ['a header too many', 'DELETE', '/auth', headers({ 'x-powered-by': 'x' })],
  ['another content type', 'DELETE', '/auth', headers({ 'content-type': 'text/html' })],
  ['no charset', 'DELETE', '/auth', headers({ 'content-type': 'application/json' })],
  ["another route's code", 'GET', '/auth', refusal('user_already_exists')],
  ['a code of no list', 'GET', '/auth', refusal('token_is_invalid', { code: 'no' })],
  ['a message of no list', 'GET', '/auth', refusal('token_is_invalid', { message: 'No' })],
  ['a member too many in a failure', 'GET', '/auth', refusal('token_is_invalid', { stack: '' })],
  ['a status of its own', 'GET', '/auth', refusal('request_is_invalid', { status: 408 })],
  ['a 401 without a challenge', 'GET', '/auth', refusal('token_is_expired')],
  ['a 503 that does not say when', 'GET', '/auth', refusal('service_unavailable')],
  ['a 405 without Allow', 'PUT', '/auth', refusal('method_not_allowed')],
  ['another Allow', 'PUT', '/auth', refusal('method_not_allowed', {}, { allow: 'GET' })],
  ['OPTIONS with a body', 'OPTIONS', '/auth', { ...good, status: 204 }],
  ['an unknown path that answers', 'GET', '/nowhere', good],
  ['an unknown method that answers', 'PUT', '/auth', good],
]

for (const [name, method, path, answer] of deviations) {
  test(`an answer that deviates from its description is noticed: ${name}`, (t) => {
    t.throws(() => requireDescribed(method, path, answer), { message: /otherwise than described/ })
  })
}

import type { Context } from 'koa'
import { AuthError, type Code, codes } from '../error.ts'
import {
  headers,
  type ParameterName,
  parameters,
  problemSchema,
  problems,
  type Schema,
  schemas,
} from './openapi-parts.ts'
import { type Description, descriptions } from './openapi-routes.ts'
import { type Route, routes } from './routes.ts'

// The API's own version, not the program's: answers do not tell which version runs (ASVS 13.4.6).
const VERSION = '1.0.0'

const forCallers: Code[] = ['caller_unknown', 'caller_scope', 'too_many_attempts']

/** What any route may answer, by name: the status and the code. */
const shared = {
  TooSlow: [408, 'request_is_invalid'],
  TooLarge: [413, 'request_is_too_large'],
  HeadersTooLarge: [431, 'request_is_too_large'],
  ServerError: [500, 'unknown_server_error'],
  Unavailable: [503, 'service_unavailable'],
} as const satisfies Record<string, [number, Code]>

/** What paths and methods that are not there are answered. */
const elsewhere = {
  NotFound: [404, 'not_found'],
  MethodNotAllowed: [405, 'method_not_allowed'],
} as const satisfies Record<string, [number, Code]>

/** The API as an OpenAPI 3.1 document, built from the table of routes and the list of codes. */
export function describeApi(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const [method, path] = route
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(route) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'sessiongraph',
      version: VERSION,
      summary: 'Users, sessions, tokens and a blacklist in a graph',
      description: ABOUT,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'sessions', description: 'Log-in, verify, refresh, log-out' },
      { name: 'users', description: 'Users and their sessions' },
      { name: 'tenants', description: 'Tenants, for callers that are bound to none' },
      { name: 'service', description: 'The service itself' },
    ],
    paths,
    components: {
      schemas: {
        ...schemas,
        ...problems,
        Problem: problemSchema(codes),
      },
      headers,
      responses: {
        ...Object.fromEntries(
          Object.entries({ ...shared, ...elsewhere }).map(([name, [status, code]]) => [
            name,
            refusal(status, [code]),
          ]),
        ),
        Options: { description: 'What the path takes', headers: headersFor(204) },
      },
      parameters: {
        RequestId: {
          name: 'X-Request-Id',
          in: 'header',
          description: 'Taken over into the answer and the log where it is fit.',
          schema: { type: 'string' },
        },
      },
      securitySchemes: {
        callerKey: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Api-Key',
          description: 'The key of a caller, where the service asks for one; the scope is named.',
        },
        bearerToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        tokenInQuery: {
          type: 'apiKey',
          in: 'query',
          name: 'token',
          description: 'Query strings end up in logs; the service can be set to refuse it.',
        },
      },
    },
  }
}

const ABOUT = `Parameters come in the query string, as JSON or as a form, with any method; members that
nobody asked for are ignored. A token also comes, and best, as \`Authorization: Bearer\`. A path that answers
GET answers HEAD alike, without the body; every path answers OPTIONS as the response Options says. Any other
path is answered as NotFound says, any other method as MethodNotAllowed. Where the figures have a port of
their own, no path is on both ports.`

/** The handler of /openapi.json. */
export function openapiHandlers() {
  const document = JSON.stringify(describeApi())

  // GET /openapi.json
  function describe(ctx: Context): void {
    ctx.body = document
    ctx.type = 'application/json; charset=utf-8'
  }

  return { describe }
}

function operation([, path, name, scope]: Route): Record<string, unknown> {
  const { summary, parameters: names, success, refusals }: Description = descriptions[name]
  const all = new Set<Code>([
    ...refusals,
    'request_is_invalid',
    ...(scope === null ? [] : forCallers),
  ])
  const inBody = names.filter((one) => one !== 'verbose')
  return {
    operationId: name,
    summary,
    tags: [tagOf(path)],
    security: security(scope, names.includes('token')),
    parameters: [
      { $ref: '#/components/parameters/RequestId' },
      ...names.filter((one) => one !== 'token').map(inQuery),
    ],
    ...(inBody.length > 0 && { requestBody: requestBody(inBody) }),
    responses: {
      [success.status]: {
        description: success.description,
        headers: {
          ...headersFor(success.status),
          ...(success.isPublic && { 'Cache-Control': headerRef('KeptAWhile') }),
        },
        content: success.schema
          ? {
              [success.media ?? 'application/json']: {
                schema: { $ref: `#/components/schemas/${success.schema}` },
              },
            }
          : { 'text/plain': { schema: { type: 'string' } } },
      },
      ...refusalsByStatus([...all]),
      ...Object.fromEntries(
        Object.entries(shared).map(([one, [status]]) => [
          status,
          { $ref: `#/components/responses/${one}` },
        ]),
      ),
      ...(name === 'ready' && { 503: notReady() }),
    },
  }
}

function tagOf(path: string): string {
  if (path === '/auth' || path === '/auth/user/sessions') return 'sessions'
  if (path.startsWith('/auth/tenant')) return 'tenants'
  return path.startsWith('/auth/') ? 'users' : 'service'
}

// Callers need to say who they are only where the service is set so.
function security(scope: string | null, takesToken: boolean): Schema[] {
  const ways: Schema[] = takesToken ? [{ bearerToken: [] }, { tokenInQuery: [] }] : [{}]
  if (scope === null) return takesToken ? ways : []
  return [...ways.map((way) => ({ callerKey: [scope], ...way })), ...ways]
}

function inQuery(name: ParameterName): Schema {
  const { description, ...schema }: Schema = parameters[name]
  return { name, in: 'query', description, schema }
}

function requestBody(names: readonly ParameterName[]): Schema {
  const properties = Object.fromEntries(names.map((name) => [name, parameters[name]]))
  const media = { schema: { type: 'object', properties } }
  return {
    description: 'What the query string does not say.',
    required: false,
    content: { 'application/json': media, 'application/x-www-form-urlencoded': media },
  }
}

function refusalsByStatus(of: Code[]): Record<string, Schema> {
  const byStatus = Map.groupBy(of, (code) => new AuthError(code).status)
  return Object.fromEntries([...byStatus].map(([status, some]) => [status, refusal(status, some)]))
}

function refusal(status: number, of: readonly Code[]): Schema {
  return {
    description: of.map((code) => new AuthError(code).message).join(', or: '),
    headers: headersFor(status),
    content: { 'application/problem+json': { schema: problemSchema(of) } },
  }
}

function notReady(): Schema {
  return {
    ...refusal(503, ['service_unavailable']),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/NotReady' } } },
  }
}

// What Node refuses by itself has no request id.
const byNode = [400, 404, 405, 408, 431]

function headersFor(status: number): Schema {
  const id = byNode.includes(status) ? 'MaybeRequestId' : 'RequestId'
  return {
    'X-Request-Id': headerRef(id),
    'Cache-Control': headerRef('CacheControl'),
    'X-Content-Type-Options': headerRef('ContentTypeOptions'),
    ...(status === 401 && { 'WWW-Authenticate': headerRef('WwwAuthenticate') }),
    ...((status === 429 || status === 503) && { 'Retry-After': headerRef('RetryAfter') }),
    ...((status === 204 || status === 405) && { Allow: headerRef('Allow') }),
  }
}

function headerRef(name: keyof typeof headers): Schema {
  return { $ref: `#/components/headers/${name}` }
}

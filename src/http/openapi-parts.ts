import { AuthError, type Code, codes } from '../error.ts'

/** A JSON Schema, draft 2020-12. */
export type Schema = Record<string, unknown>

const text: Schema = { type: 'string' }
const instant = (description: string): Schema => ({
  type: 'integer',
  format: 'int64',
  minimum: 0,
  description,
})
const id: Schema = { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$' }

/** Each parameter of the routes. */
export const parameters = {
  username: {
    ...text,
    description: 'In NFKC and lower case 1 to 128 of `a-z 0-9 . _ @ + -`.',
    examples: ['ada'],
  },
  password: {
    ...text,
    minLength: 1,
    description:
      'Well-formed Unicode, taken as given. Where one is set: 8 to 128 characters, not among the most common.',
  },
  currentPassword: { ...text, minLength: 1, description: 'If it is given it must be right.' },
  tenant: { ...text, description: "The tenant's name; the default one where it is left out." },
  token: { ...text, maxLength: 4096, description: 'Better sent as `Authorization: Bearer`.' },
  scope: {
    enum: ['session', 'token'],
    default: 'session',
    description: "What ends: the token's session, or that token alone.",
  },
  session: { ...text, description: "The id of the user's session that ends, alone." },
  except: { ...text, description: "The id of the user's session that stays, alone." },
  verbose: { ...text, description: 'With any value, also an empty one: more is shown.' },
} as const satisfies Record<string, Schema>

export type ParameterName = keyof typeof parameters

const message: Schema = { const: 'Success' }
const grant = {
  token: { ...text, description: 'The signed token: for its holder only.' },
  expiresAt: instant('ms since the epoch, whole seconds'),
  refreshAfter: instant('When to PATCH the token, ms since the epoch'),
}
const details = {
  mode: {
    enum: ['memory', 'starting', 'stale', 'overflow'],
    description: '`memory` while it is trusted; else why the graph is asked for each token.',
  },
  seq: { type: 'integer', description: 'The place of the last blacklist entry applied.' },
  epoch: { ...text, description: 'The id of the feed.' },
  ageMs: { type: ['integer', 'null'], description: 'How old the last look at the feed is.' },
  entries: { type: 'integer', description: 'Blacklist entries in memory.' },
  checkedTokens: { type: 'integer', description: 'Verified tokens in memory, whole.' },
  knownTokens: { type: 'integer', description: 'Ids of verified tokens in memory.' },
}

const standing: Schema = { enum: ['active', 'suspended'] }
const session = closed({
  session: { ...id, description: "The session's id." },
  state: { enum: ['live', 'ended', 'expired'] },
  reason: { type: ['string', 'null'], description: 'Why it was ended.' },
  createdAt: instant('ms since the epoch, whole seconds'),
  expiresAt: instant('ms since the epoch, whole seconds'),
  lastTokenExpiresAt: {
    type: ['integer', 'null'],
    description: 'When its last token expires: unless that is refreshed, it is over then.',
  },
})

/** The bodies of success. */
export const schemas = {
  Success: closed({ message }),
  LoginGrant: closed({ message, ...grant }),
  Grant: closed(grant),
  Verified: closed({
    username: text,
    session: { ...id, description: "The session's id." },
    issuedAt: instant('ms since the epoch, whole seconds'),
    expiresAt: grant.expiresAt,
    refreshAfter: grant.refreshAfter,
  }),
  User: closed({
    id,
    username: text,
    status: standing,
    createdAt: instant('ms since the epoch'),
    sessions: { type: 'integer', minimum: 0, description: 'Sessions that are live.' },
  }),
  Sessions: closed({
    count: { type: 'integer', minimum: 0, description: 'Sessions that are live.' },
    sessions: { type: 'array', maxItems: 1000, items: session },
  }),
  Tenants: closed({
    tenants: { type: 'array', items: closed({ id, tenant: text, status: standing }) },
  }),
  KeySet: closed({
    keys: {
      type: 'array',
      items: {
        type: 'object',
        required: ['kty', 'kid', 'alg', 'use'],
        additionalProperties: false,
        properties: {
          kty: { enum: ['EC', 'RSA'] },
          kid: text,
          alg: { enum: ['ES256', 'PS256'] },
          use: { const: 'sig' },
          crv: text,
          x: text,
          y: text,
          n: text,
          e: text,
        },
      },
    },
  }),
  Ready: closed({ message, ...details }, ['message']),
  Description: closed({
    openapi: { type: 'string', pattern: '^3\\.1\\.' },
    info: { type: 'object' },
    servers: { type: 'array' },
    tags: { type: 'array' },
    paths: { type: 'object' },
    components: { type: 'object' },
  }),
} as const satisfies Record<string, Schema>

export type SchemaName = keyof typeof schemas

/** An object of these members and no others, all of them needed unless it is said which. */
function closed(properties: Record<string, Schema>, required = Object.keys(properties)): Schema {
  return { type: 'object', required, additionalProperties: false, properties }
}

// Node itself refuses with these, under the same code, what never becomes a request.
const statusesBesides: Partial<Record<Code, number>> = {
  request_is_invalid: 408,
  request_is_too_large: 431,
}

/** A schema for each code: RFC 9457 problem details, to the letter but for the detail. */
export const problems: Record<string, Schema> = {
  ...Object.fromEntries(codes.map((code) => [code, closed(problem(code))])),
  NotReady: closed(
    {
      ...problem('service_unavailable'),
      reasons: { type: 'array', items: text, description: 'Why it cannot serve.' },
      ...details,
    },
    Object.keys(problem('service_unavailable')),
  ),
}

function problem(code: Code): Record<string, Schema> {
  const { status, message } = new AuthError(code)
  const other = statusesBesides[code]
  return {
    type: { const: `/problems/${code}` },
    title: { const: message },
    status: other === undefined ? { const: status } : { enum: [status, other] },
    code: { const: code },
    message: { const: message },
    detail: { ...text, description: 'What to do next; its wording may change.' },
  }
}

/** A failure by one of these codes. */
export function problemSchema(of: readonly Code[]): Schema {
  const refs = of.map((code) => ({ $ref: `#/components/schemas/${code}` }))
  const [only] = refs
  if (refs.length === 1 && only) return only
  const mapping = Object.fromEntries(of.map((code, i) => [code, refs[i]?.$ref]))
  return { oneOf: refs, discriminator: { propertyName: 'code', mapping } }
}

const header = (schema: Schema, description: string, required = true) => ({
  required,
  description,
  schema,
})

/** The headers of answers, beside those of HTTP itself. */
export const headers = {
  RequestId: header(
    { type: 'string', pattern: '^[\\w.:/+=-]{1,128}$' },
    "The caller's own X-Request-Id where it is fit, or one that was made; also in the log.",
  ),
  MaybeRequestId: header(
    { type: 'string', pattern: '^[\\w.:/+=-]{1,128}$' },
    'The same; missing where the request could not be read.',
    false,
  ),
  KeptAWhile: header(
    { type: 'string', pattern: '^public, max-age=\\d+$' },
    'Caches may keep it for so many seconds.',
  ),
  CacheControl: header({ const: 'no-store' }, 'No answer is kept by a cache (RFC 6750 §5.3).'),
  ContentTypeOptions: header({ const: 'nosniff' }, 'The content is what it says it is.'),
  WwwAuthenticate: header(
    { type: 'string', pattern: '^[A-Z][A-Za-z]+ realm="sessiongraph"' },
    'What is asked for (RFC 6750 §3).',
  ),
  RetryAfter: header({ type: 'integer', minimum: 1 }, 'How long to wait, in seconds.'),
  Allow: header(text, 'The methods that the path takes.'),
} as const

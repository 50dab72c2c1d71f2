import type { Code } from '../error.ts'
import type { ParameterName, SchemaName } from './openapi-parts.ts'
import type { RouteName } from './routes.ts'

/** What is said of a route beside its method, path and scope, which the table of routes has. */
export interface Description {
  summary: string
  /** What it takes, in the query string or in the body. */
  parameters: readonly ParameterName[]
  success: {
    status: 200 | 201
    description: string
    /** A schema for JSON; otherwise it is text. */
    schema: SchemaName | null
    /** Another media type than JSON's own. */
    media?: string
    /** Whether caches may keep it for a while. */
    isPublic?: boolean
  }
  /** Its own refusals, beside those that any route may answer with. */
  refusals: readonly Code[]
}

const success = { description: 'Done', schema: 'Success' } as const
const credentials = ['username', 'password', 'tenant'] as const
const badCredentials = ['username_validation_failed', 'password_validation_failed'] as const
const badTenant = ['tenant_does_not_exist', 'tenant_is_suspended', 'caller_scope'] as const
const userName = ['username', 'tenant'] as const
const badUser = ['username_validation_failed', 'user_does_not_exist', 'caller_scope'] as const
const badToken = [
  'token_must_be_provided',
  'token_is_invalid',
  'token_is_expired',
  'token_is_blacklisted',
] as const

/** Every route of the table in words; the types refuse one that is missing and one too many. */
export const descriptions: Record<RouteName, Description> = {
  login: {
    summary: 'Opens a session and gives its first token',
    parameters: credentials,
    success: { status: 200, description: 'The token', schema: 'LoginGrant' },
    refusals: [
      ...badCredentials,
      ...badTenant,
      'user_does_not_exist',
      'bad_credentials',
      'user_is_suspended',
    ],
  },
  verify: {
    summary: 'Says whose token it is, if it is valid',
    parameters: ['token'],
    success: { status: 200, description: 'It is valid', schema: 'Verified' },
    refusals: badToken,
  },
  refresh: {
    summary: "Gives the token's one successor, the same one for the length of the grace",
    parameters: ['token'],
    success: { status: 200, description: 'The successor', schema: 'Grant' },
    refusals: badToken,
  },
  blacklist: {
    summary: "Ends the token's session, or that token alone",
    parameters: ['token', 'scope'],
    success: { status: 200, ...success },
    refusals: badToken,
  },
  register: {
    summary: 'Registers a user',
    parameters: credentials,
    success: { status: 201, ...success },
    refusals: [...badCredentials, ...badTenant, 'user_already_exists'],
  },
  changePassword: {
    summary: 'Sets another password and ends every session of the user',
    parameters: [...credentials, 'currentPassword'],
    success: { status: 201, ...success },
    refusals: [
      ...badCredentials,
      ...badTenant,
      'user_does_not_exist',
      'bad_credentials',
      'user_is_suspended',
    ],
  },
  showUser: {
    summary: 'Says who a user is, and how many sessions are live',
    parameters: userName,
    success: { status: 200, description: 'The user', schema: 'User' },
    refusals: badUser,
  },
  deleteUser: {
    summary: 'Removes a user and ends every session; the name is free at once',
    parameters: userName,
    success: { status: 200, ...success },
    refusals: badUser,
  },
  suspendUser: {
    summary: 'Ends every session of a user, who may not log in until reinstated',
    parameters: userName,
    success: { status: 200, ...success },
    refusals: badUser,
  },
  reinstateUser: {
    summary: 'Lets a suspended user log in anew',
    parameters: userName,
    success: { status: 200, ...success },
    refusals: badUser,
  },
  listSessions: {
    summary: "Lists a user's sessions, the newest first, and counts the live ones",
    parameters: userName,
    success: { status: 200, description: 'The sessions', schema: 'Sessions' },
    refusals: badUser,
  },
  endSessions: {
    summary: "Ends one of a user's sessions, all but one, or all",
    parameters: [...userName, 'session', 'except'],
    success: { status: 200, ...success },
    refusals: [...badUser, 'session_does_not_exist'],
  },
  addTenant: {
    summary: 'Adds a tenant',
    parameters: ['tenant'],
    success: { status: 201, ...success },
    refusals: ['caller_scope', 'tenant_already_exists'],
  },
  listTenants: {
    summary: 'Lists the tenants',
    parameters: [],
    success: { status: 200, description: 'The tenants', schema: 'Tenants' },
    refusals: ['caller_scope'],
  },
  suspendTenant: {
    summary: 'Ends every session in a tenant, in which nobody may log in until it is reinstated',
    parameters: ['tenant'],
    success: { status: 200, ...success },
    refusals: ['caller_scope', 'tenant_does_not_exist'],
  },
  reinstateTenant: {
    summary: 'Lets users of a suspended tenant log in anew',
    parameters: ['tenant'],
    success: { status: 200, ...success },
    refusals: ['caller_scope', 'tenant_does_not_exist'],
  },
  showKeys: {
    summary: 'Shows the public keys (RFC 7517), which tell nothing of the blacklist',
    parameters: [],
    success: {
      status: 200,
      description: 'The keys; none where tokens are signed with a secret',
      schema: 'KeySet',
      media: 'application/jwk-set+json',
      isPublic: true,
    },
    refusals: [],
  },
  live: {
    summary: 'Says that the process lives',
    parameters: [],
    success: { status: 200, ...success },
    refusals: [],
  },
  ready: {
    summary: 'Says whether it can serve',
    parameters: ['verbose'],
    success: { status: 200, description: 'It can', schema: 'Ready' },
    refusals: [],
  },
  metrics: {
    summary: 'Shows its figures, for Prometheus',
    parameters: [],
    success: { status: 200, description: 'The figures', schema: null },
    refusals: [],
  },
  describe: {
    summary: 'Shows this description',
    parameters: [],
    success: { status: 200, description: 'An OpenAPI 3.1 document', schema: 'Description' },
    refusals: [],
  },
}

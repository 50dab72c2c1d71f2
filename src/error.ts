/** Every way in which the service refuses, with its HTTP status, its sentence and what to do next. */
const refusals = {
  username_validation_failed: [
    400,
    'Username validation failed',
    'Send a username of 1 to 128 letters, digits or ._@+- characters.',
  ],
  password_validation_failed: [
    400,
    'Password validation failed',
    'Send a password of 8 to 128 characters that is not among the most common ones.',
  ],
  user_already_exists: [409, 'User already exists', 'Choose another username, or log in.'],
  user_does_not_exist: [400, 'User does not exist', 'Check the username, or register it first.'],
  user_is_suspended: [403, 'User is suspended', 'Ask an operator to reinstate the user.'],
  tenant_does_not_exist: [400, 'Tenant does not exist', 'Check the tenant, or add it first.'],
  tenant_already_exists: [409, 'Tenant already exists', 'Choose another name.'],
  tenant_is_suspended: [403, 'Tenant is suspended', 'Ask an operator to reinstate the tenant.'],
  session_does_not_exist: [
    400,
    'Session does not exist',
    "List the user's sessions for their ids.",
  ],
  bad_credentials: [401, 'Bad credentials', 'Check the username and the password.'],
  token_must_be_provided: [
    400,
    'Token must be provided',
    'Send the token as an "Authorization: Bearer" header or as the parameter "token".',
  ],
  token_is_invalid: [400, 'Token is invalid', 'Log in again for a token of this service.'],
  token_is_expired: [401, 'Token is expired', 'Log in again.'],
  token_is_blacklisted: [401, 'Token is blacklisted', 'Its session was ended: log in again.'],
  caller_unknown: [401, 'Caller is unknown', 'Send the key of a caller as X-Api-Key.'],
  caller_scope: [403, 'Caller may not do this', 'Use a caller with the scope for it.'],
  caller_does_not_exist: [400, 'Caller does not exist', 'Check the name, or add it first.'],
  caller_already_exists: [409, 'Caller already exists', 'Choose another name, or rotate its key.'],
  request_is_invalid: [400, 'Request is invalid', 'Mend the request before it is sent again.'],
  not_found: [404, 'Not found', 'Use a path of the API, spelt exactly so.'],
  method_not_allowed: [405, 'Method not allowed', 'Use a method that the Allow header names.'],
  request_is_too_large: [413, 'Request is too large', 'Send a body of at most 16 KiB.'],
  too_many_attempts: [429, 'Too many attempts', 'Wait for the seconds in Retry-After.'],
  unknown_server_error: [500, 'Unknown server error', 'Look for the request id in the log.'],
  service_unavailable: [503, 'Service unavailable', 'Try again after Retry-After seconds.'],
} as const satisfies Record<string, readonly [number, string, string]>

/** The closed list of codes: the contract that callers may rely on. */
export type Code = keyof typeof refusals

export const codes = Object.keys(refusals) as Code[]

interface About {
  user?: string
  jti?: string
  /** Whether the session was ended because a refreshed token came back. */
  reuse?: true
}

interface Circumstances {
  /** What to do next, where more can be said than the code alone says. */
  detail?: string
  /** What went wrong underneath; for the log only. */
  cause?: unknown
  /** Whom it concerns, by ids; for logs only. */
  about?: About
  /** Seconds after which to try again, where they are known. */
  retryAfter?: number
}

/** The one error that the service throws on purpose; anything else is a defect and answers 500. */
export class AuthError extends Error {
  readonly code: Code
  readonly status: number
  readonly detail: string
  readonly about: About
  readonly retryAfter: number | undefined

  constructor(code: Code, { detail, cause, about, retryAfter }: Circumstances = {}) {
    const [status, message, advice] = refusals[code]
    super(message, { cause })
    this.name = 'AuthError'
    this.code = code
    this.status = status
    this.detail = detail ?? advice
    this.about = about ?? {}
    this.retryAfter = retryAfter
  }
}

import { AuthError } from './error.ts'

/** What a caller may be allowed to do; none of them implies another. */
export const callerScopes = ['verify', 'sessions', 'users', 'admin'] as const

export type CallerScope = (typeof callerScopes)[number]

/** A backend that calls the service. */
export interface Caller {
  id: string
  name: string
  scopes: readonly CallerScope[]
  /** The tenant that it is bound to: nothing of another is seen or touched; null for none. */
  tenant: { id: string; name: string } | null
}

/**
 * Tells who calls. The two that ask throw caller_unknown, and service_unavailable where neither memory
 * nor the graph can tell; what was revoked is refused within the same bound as a blacklisted token.
 */
export interface CallerAuth {
  /** The caller of a key that memory alone knows to count now; undefined for everything else. */
  recall(key: string): Caller | undefined
  /** The caller of a key. */
  identify(key: string): Promise<Caller>
  /** The same two for the name in a verified client certificate. */
  recallCertified(name: string): Caller | undefined
  identifyCertified(name: string): Promise<Caller>
}

/** A name that a certificate can bear as its CN (64 characters at the most); throws request_is_invalid. */
export function parseCallerName(name: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) return name
  throw new AuthError('request_is_invalid', {
    detail: "A caller's name is 1 to 64 of a-z 0-9 . _ - and begins with a letter or a digit.",
  })
}

/** The scopes of a list, each once; throws request_is_invalid for none, and for one that there is not. */
export function parseScopes(names: readonly string[]): CallerScope[] {
  const scopes = callerScopes.filter((scope) => names.includes(scope))
  if (scopes.length > 0 && scopes.length === new Set(names).size) return scopes
  throw new AuthError('request_is_invalid', {
    detail: `Name one or more of the scopes ${callerScopes.join(', ')}.`,
  })
}

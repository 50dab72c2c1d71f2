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

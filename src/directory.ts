import type { Affected } from './auth.ts'
import type { Tenant } from './tenant.ts'

/** Names a user. */
export interface UserName {
  /** The tenant's name; the default one where it is left out. */
  tenant?: string
  username: string
}

/** A user as those see one who look after users: never the hash. Times are ms. */
export interface UserStatus {
  id: string
  username: string
  status: string
  generation: number
  createdAt: number
  /** Sessions that are live. */
  sessions: number
}

/** A session as the same see one. Times are ms. */
export interface SessionStatus {
  id: string
  createdAt: number
  expiresAt: number
  /** When its last token expires: unless that is refreshed, the session is over then. */
  lastTokenExpiresAt: number | null
  tokens: number
  state: 'live' | 'ended' | 'expired'
  /** Why it was ended. */
  reason: string | null
}

/** Which sessions of a user: one, all but one, or all where neither is given. Never both. */
export interface WhichSessions extends UserName {
  session?: string
  except?: string
}

/**
 * Looks after users and tenants. What ends sessions is one write, honoured by every replica within the
 * bound of the blacklist, and whoever is let in again logs in anew: nothing that has ended comes back.
 * Each throws an AuthError on purpose: user_does_not_exist, tenant_does_not_exist where one is named that
 * is not there, and service_unavailable, after which the same call may be repeated.
 */
export interface Directory {
  showUser(user: UserName): Promise<UserStatus>
  /** The newest sessions first, 1,000 at the most. */
  listSessions(user: UserName): Promise<SessionStatus[]>
  /**
   * Ends one session, all but one, or all: session_does_not_exist, and nothing is ended, where the named one
   * is not the user's. One that is over already is no failure.
   */
  endSessions(which: WhichSessions): Promise<Affected>
  /** Ends all of the user's sessions and refuses log-ins until the user is reinstated. */
  suspendUser(user: UserName): Promise<Affected>
  reinstateUser(user: UserName): Promise<Affected>
  /** Ends all of the user's sessions and forgets the user: the name is free at once, the id never. */
  deleteUser(user: UserName): Promise<Affected>
  /** Adds a tenant, exactly once however many ask: request_is_invalid, tenant_already_exists. */
  addTenant(name: string): Promise<Tenant>
  /** All of them, by name. */
  listTenants(): Promise<Tenant[]>
  /** Ends every session of the tenant's users and refuses log-ins and registrations. */
  suspendTenant(name: string): Promise<void>
  reinstateTenant(name: string): Promise<void>
}

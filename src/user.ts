import { AuthError } from './error.ts'
import type { Tenant } from './tenant.ts'

/** The tenant that every user belongs to unless another is named. */
export const DEFAULT_TENANT = 'default'

export interface User {
  id: string
  /** As it was registered, in NFKC. */
  username: string
  passwordHash: string
  status: 'active' | 'suspended'
  /** Rises by one whenever all of the user's sessions are ended. */
  generation: number
  tenant: Pick<Tenant, 'id' | 'status' | 'generation'>
}

/**
 * The username in NFKC (RFC 8265 is the model, with a narrower alphabet): its lower-case form must be
 * 1 to 128 of `[a-z0-9._@+-]`, so that no two accounts look alike. Throws username_validation_failed.
 */
export function parseUsername(text: string): string {
  const username = text.normalize('NFKC')
  if (!/^[a-z0-9._@+-]{1,128}$/.test(username.toLowerCase())) {
    throw new AuthError('username_validation_failed')
  }
  return username
}

/** What a user is unique by: the tenant's name and the folded username. */
export function userKey(tenant: string, username: string): string {
  return `${tenant}/${username.toLowerCase()}`
}

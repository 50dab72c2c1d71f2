import { AuthError } from './error.ts'

/** A group of users apart from all others: the same username may exist in two of them. */
export interface Tenant {
  id: string
  name: string
  status: 'active' | 'suspended'
  /** Rises by one whenever all sessions of the tenant are ended. */
  generation: number
}

/** A new tenant's name: 1 to 64 of `[a-z0-9-]`. Throws request_is_invalid. */
export function parseTenantName(text: string): string {
  if (/^[a-z0-9-]{1,64}$/.test(text)) return text
  throw new AuthError('request_is_invalid', {
    detail: 'Name the tenant by 1 to 64 of a-z, 0-9 and -, as the parameter "tenant".',
  })
}

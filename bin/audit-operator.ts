import type { Audit } from '../src/audit.ts'
import { AuthError } from '../src/error.ts'
import type { Operator } from '../src/operator.ts'

/** What an operator does that changes anybody's rights, by the name of its event. */
const changes = {
  addUser: 'register',
  setPassword: 'change_password',
  endSessions: 'end_sessions',
  suspendUser: 'suspend_user',
  reinstateUser: 'reinstate_user',
  deleteUser: 'delete_user',
  addTenant: 'add_tenant',
  suspendTenant: 'suspend_tenant',
  reinstateTenant: 'reinstate_tenant',
  addCaller: 'add_caller',
  rotateCaller: 'rotate_caller',
  revokeCaller: 'revoke_caller',
  invalidate: 'invalidate',
  copyGraph: 'backup',
} as const satisfies Partial<Record<keyof Operator, string>>

/** The same operator, whose changes are written down with the names that were given. */
export function auditOperator(operator: Operator, audit: Audit): Operator {
  function noted<Args extends unknown[], Result>(
    event: string,
    change: (...args: Args) => Promise<Result>,
  ) {
    return async (...args: Args): Promise<Result> => {
      const fields = { event, by: 'operator', ...namesOf(args[0]) }
      try {
        const changed = await change(...args)
        audit.write({ ...fields, result: 'success' })
        return changed
      } catch (error) {
        const { code, status } =
          error instanceof AuthError ? error : new AuthError('unknown_server_error')
        audit.write({ ...fields, result: status < 500 ? 'refused' : 'failed', code })
        throw error
      }
    }
  }

  const audited = Object.entries(changes).map(([verb, event]) => [
    verb,
    noted(event, operator[verb as keyof typeof changes] as (first: never) => Promise<unknown>),
  ])
  return { ...operator, ...Object.fromEntries(audited) }
}

// A tenant or a caller that is named alone is a text; never the password beside a username.
function namesOf(first: unknown): Record<string, string> {
  if (typeof first === 'string') return { name: first }
  const { username, tenant, name } = (first ?? {}) as Record<string, unknown>
  const named = Object.entries({ username, tenant, name })
  return Object.fromEntries(named.filter((pair): pair is [string, string] => pair[1] !== undefined))
}

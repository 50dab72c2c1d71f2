import type { Audit } from '../src/audit.ts'
import { AuthError } from '../src/error.ts'
import type { Operator } from '../src/operator.ts'

/** What an operator does that changes anybody's rights, by the name of its event. */
const changes = {
  addUser: 'register',
  setPassword: 'change_password',
  endSessions: 'end_sessions',
} as const satisfies Partial<Record<keyof Operator, string>>

/** The same operator, whose changes are written down with the name that was given. */
export function auditOperator(operator: Operator, audit: Audit): Operator {
  function noted<Args extends unknown[], Result>(
    event: string,
    change: (...args: Args) => Promise<Result>,
  ) {
    return async (...args: Args): Promise<Result> => {
      const fields = { event, by: 'operator', username: nameOf(args[0]) }
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

function nameOf(first: unknown): string {
  return String(typeof first === 'string' ? first : (first as { username?: unknown })?.username)
}

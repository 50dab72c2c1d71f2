import type { Context } from 'koa'
import type { Caller } from '../caller.ts'
import { AuthError } from '../error.ts'
import { optionalText } from './parameters.ts'

/** Who calls; undefined where callers need not say. */
export function callerOf(ctx: Context): Caller | undefined {
  return ctx.state.caller as Caller | undefined
}

/** The id of the tenant that the caller is bound to, if it is bound to one. */
export function withinOf(ctx: Context): string | undefined {
  return callerOf(ctx)?.tenant?.id
}

/**
 * The tenant that a request is about, by name: the caller's own, or the one that the parameter `tenant`
 * names. Throws caller_scope for another than the caller's own.
 */
export function tenantOf(ctx: Context): { tenant?: string } {
  const named = optionalText(ctx, 'tenant', 'request_is_invalid')
  const own = callerOf(ctx)?.tenant?.name
  if (own !== undefined && named !== undefined && named !== own) {
    throw new AuthError('caller_scope', { detail: 'This caller is bound to another tenant.' })
  }
  const tenant = own ?? named
  return tenant === undefined ? {} : { tenant }
}

/** Throws caller_scope for a caller that is bound to a tenant: its own, too, is not in its hands. */
export function requireUnbound(ctx: Context): void {
  if (withinOf(ctx) === undefined) return
  throw new AuthError('caller_scope', { detail: 'This caller is bound to a tenant.' })
}

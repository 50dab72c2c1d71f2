import type { Middleware } from 'koa'
import { AuthError } from '../error.ts'
import { callerOf } from './caller.ts'
import type { RequestIds } from './request-id.ts'
import { allowed } from './routes.ts'

/** The part of a pino logger that is used here. */
export interface Log {
  isLevelEnabled(level: string): boolean
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * One line a request. Of what a caller sent it shows the method, a known route, and the request id;
 * never a header, a parameter, a body or the query string.
 */
export function logRequests(log: Log, requestIds: RequestIds): Middleware {
  return async (ctx, next) => {
    const begun = performance.now()
    const requestId = requestIds(ctx.get('x-request-id'))
    ctx.set('X-Request-Id', requestId)
    await next()
    const failure: unknown = ctx.state.failure
    const { status, method, path } = ctx
    const caller = callerOf(ctx)?.name
    const fields = {
      requestId,
      method,
      route: allowed(path) === undefined ? 'unknown' : path,
      status,
      durationMs: Math.round((performance.now() - begun) * 1000) / 1000,
      ...(caller !== undefined && { caller }),
      ...ctx.state.about,
      ...(failure instanceof AuthError && { code: failure.code, ...failure.about }),
    }
    if (status < 500) return log.info(fields, 'request')
    const { cause, detail = '' }: Partial<AuthError> = failure instanceof AuthError ? failure : {}
    if (status !== 503) log.error({ ...fields, err: cause }, 'request')
    else log.warn({ ...fields, reason: cause instanceof Error ? cause.message : detail }, 'request')
  }
}

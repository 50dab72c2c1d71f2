import type { Context, Middleware } from 'koa'
import type { Audit, AuditEvent } from '../audit.ts'
import { AuthError } from '../error.ts'
import { handlerOf } from './routes.ts'

// Asked all the time by those who watch, and nothing is decided there.
const unnoted = new Set(['live', 'ready', 'metrics'])

/**
 * Writes down what was done and what was refused: every request but those of watchers, verifies of valid
 * tokens (there are too many) and questions what a path allows. What has no route is a `request`.
 */
export function auditRequests(audit: Audit): Middleware {
  return async (ctx, next) => {
    await next()
    const { method, path, status } = ctx
    const handler = handlerOf(method, path)
    if (handler !== undefined && unnoted.has(handler)) return
    if (status < 400 && (handler === undefined || handler === 'verify')) return
    const { failure } = ctx.state
    const { about, code } = failure instanceof AuthError ? failure : {}
    const { reuse, ...whom } = { reuse: undefined, ...ctx.state.about, ...about }
    const where = whereOf(ctx)
    if (reuse) audit.write({ event: 'reuse_detected', result: 'success', ...whom, ...where })
    audit.write({
      event: snakeCase(handler ?? 'request'),
      result: resultOf(status),
      ...(code && { code }),
      ...whom,
      ...where,
    })
  }
}

function resultOf(status: number): AuditEvent['result'] {
  if (status < 400) return 'success'
  return status < 500 ? 'refused' : 'failed'
}

function whereOf(ctx: Context) {
  const { source, caller } = ctx.state
  const requestId = ctx.response.get('X-Request-Id')
  return { source, ...(caller?.name && { caller: caller.name }), requestId }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

import type { Context, Middleware } from 'koa'
import { AuthError } from '../error.ts'

/** Where nobody knows better. */
const RETRY_AFTER_SECONDS = 1

/** A failure as RFC 9457 problem details, with the contract's `code` and `message`. */
export function problemOf({ code, message, status, detail }: AuthError): Record<string, unknown> {
  return { type: `/problems/${code}`, title: message, status, code, message, detail }
}

/** The headers that go with a failure, besides its content type. */
export function problemHeaders(failure: AuthError): Record<string, string> {
  const { status } = failure
  if (status === 401) return { 'WWW-Authenticate': challenge(failure) }
  if (status !== 503 && status !== 429) return {}
  return { 'Retry-After': String(failure.retryAfter ?? RETRY_AFTER_SECONDS) }
}

// A caller's key is no bearer token of RFC 6750, whose clients would ask for another token.
// RFC 6750 §3: no error attribute where no token was sent.
function challenge({ code, message }: AuthError): string {
  if (code === 'caller_unknown') return 'ApiKey realm="sessiongraph"'
  const realm = 'Bearer realm="sessiongraph"'
  if (code === 'bad_credentials') return realm
  return `${realm}, error="invalid_token", error_description="${message}"`
}

/** The one exit of every failure. What nobody threw on purpose becomes unknown_server_error. */
export function answerFailures(): Middleware {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      answer(ctx, error)
    }
  }
}

function answer(ctx: Context, error: unknown): void {
  const failure =
    error instanceof AuthError ? error : new AuthError('unknown_server_error', { cause: error })
  ctx.state.failure = failure
  ctx.status = failure.status
  ctx.set(problemHeaders(failure))
  // An unread body would be taken for the next request.
  if (!ctx.req.complete) ctx.set('Connection', 'close')
  ctx.body = JSON.stringify({ ...problemOf(failure), ...ctx.state.problem })
  ctx.type = 'application/problem+json; charset=utf-8'
}

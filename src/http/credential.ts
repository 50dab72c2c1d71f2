import type { Context } from 'koa'
import { AuthError } from '../error.ts'
import { parameters, query } from './parameters.ts'

/**
 * The one token of a request, from its Authorization header (RFC 6750 §2.1) or the parameter `token`.
 * Throws token_must_be_provided, token_is_invalid for what is not text, and request_is_invalid for two
 * that differ: `headers.authorization` alone would silently take the first.
 */
export function tokenOf(ctx: Context, allowInQuery: boolean): string {
  if (!allowInQuery && query(ctx).has('token')) {
    throw new AuthError('request_is_invalid', {
      detail: 'Send the token as an "Authorization: Bearer" header, not in the query string.',
    })
  }
  const given = new Set([...bearerTokens(ctx), ...parameters(ctx, 'token')])
  given.delete('')
  given.delete(null)
  const [token, ...others] = given
  if (others.length > 0) {
    throw new AuthError('request_is_invalid', { detail: 'Send one token, in one place.' })
  }
  if (token === undefined) throw new AuthError('token_must_be_provided')
  if (typeof token !== 'string') throw new AuthError('token_is_invalid')
  return token
}

function bearerTokens(ctx: Context): string[] {
  const { rawHeaders } = ctx.req
  const headers = rawHeaders.filter(
    (_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'authorization',
  )
  return headers.map((header) => {
    const [, token] = /^bearer(?: +([^\s,]+))?$/i.exec(header.trim()) ?? []
    if (token === undefined && !/^bearer$/i.test(header.trim())) {
      throw new AuthError('request_is_invalid', {
        detail: 'The Authorization header is "Bearer", a space and one token.',
      })
    }
    return token ?? ''
  })
}

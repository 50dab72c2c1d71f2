import type { Context } from 'koa'
import { AuthError, type Code } from '../error.ts'
import { parsePairs } from './pairs.ts'

/** All values that a request gives for a parameter, in its query string and in its body. */
export function parameters(ctx: Context, name: string): unknown[] {
  const body = (ctx.state.body as Map<string, unknown[]>).get(name) ?? []
  return [...(query(ctx).get(name) ?? []), ...body]
}

/** The query string's values alone. */
export function query(ctx: Context): Map<string, string[]> {
  try {
    return parsePairs(ctx.querystring)
  } catch (cause) {
    throw new AuthError('request_is_invalid', {
      cause,
      detail: 'Percent-encode the query string as UTF-8.',
    })
  }
}

/**
 * A parameter's one text; undefined if it is not given. Anything but text throws `code`, and two values
 * that differ throw request_is_invalid: which one would count?
 */
export function optionalText(ctx: Context, name: string, code: Code): string | undefined {
  const [value, ...others] = parameters(ctx, name)
  if (others.some((other) => other !== value)) {
    throw new AuthError('request_is_invalid', { detail: `Send "${name}" once.` })
  }
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw new AuthError(code)
  return value
}

/** The same, where a missing one throws `code` as well. */
export function requiredText(ctx: Context, name: string, code: Code): string {
  const value = optionalText(ctx, name, code)
  if (value === undefined) throw new AuthError(code)
  return value
}

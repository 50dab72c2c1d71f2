import type { Context, Middleware } from 'koa'
import bodyParser from 'koa-bodyparser'
import { AuthError } from '../error.ts'
import { parseObject } from '../json.ts'
import { parsePairs } from './pairs.ts'

const MAX_BYTES = 16 * 1024
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

/**
 * Reads the body, of any method, into `ctx.state.body`: lists of values by parameter. koa-bodyparser
 * fetches the bytes within the limit; its own parsers would take any charset, nest form keys and let
 * the last of two JSON members win. Throws request_is_invalid and request_is_too_large.
 */
export function readBody(): Middleware[] {
  const fetchBytes = bodyParser({
    enableTypes: ['text'],
    extendTypes: { text: [JSON_TYPE, FORM_TYPE] },
    textLimit: `${MAX_BYTES}b`,
    // Bytes and not text: the decoder below refuses what is not UTF-8 instead of mending it.
    encoding: null as unknown as string,
    onerror(error) {
      const code =
        (error as { status?: number }).status === 413 ? 'request_is_too_large' : undefined
      throw new AuthError(code ?? 'request_is_invalid', { cause: error })
    },
  })
  return [requireKnownType, fetchBytes, parse]
}

async function requireKnownType(ctx: Context, next: () => Promise<unknown>): Promise<void> {
  const charset = ctx.request.charset.toLowerCase()
  const known = ctx.request.length === 0 || ctx.request.is(JSON_TYPE, FORM_TYPE)
  if (known === false || (charset !== '' && charset !== 'utf-8')) {
    throw new AuthError('request_is_invalid', {
      detail: `Send the body as ${JSON_TYPE} or ${FORM_TYPE}, in UTF-8.`,
    })
  }
  await next()
}

async function parse(ctx: Context, next: () => Promise<unknown>): Promise<void> {
  ctx.state.body = parametersOf(ctx.request.body, ctx.request.is(JSON_TYPE) === JSON_TYPE)
  await next()
}

function parametersOf(body: unknown, isJson: boolean): Map<string, unknown[]> {
  if (!Buffer.isBuffer(body) || body.length === 0) return new Map()
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    if (!isJson) return parsePairs(text)
    return new Map(Object.entries(parseObject(text)).map(([name, value]) => [name, [value]]))
  } catch (cause) {
    throw new AuthError('request_is_invalid', { cause, detail: 'Mend the body: it is broken.' })
  }
}

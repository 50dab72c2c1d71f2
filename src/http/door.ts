import type { IncomingMessage } from 'node:http'
import type { Context, Middleware } from 'koa'
import type { Caller, CallerAuth } from '../caller.ts'
import { AuthError } from '../error.ts'
import { certificateOf } from './certificate.ts'
import { within } from './deadline.ts'
import { scopeFor } from './routes.ts'

/** Tells by its key or its client certificate who sends a request. */
export interface Door {
  /** The caller, where memory alone can tell; undefined for everything else. */
  recall(request: IncomingMessage): Caller | undefined
  /** Throws caller_unknown, request_is_invalid for proofs that contradict, and service_unavailable. */
  identify(request: IncomingMessage): Promise<Caller>
}

export function createDoor(callers: CallerAuth): Door {
  return {
    // Of two headers node:http makes one text that no key has: they are told where refusals are.
    recall({ headers, socket }) {
      const key = headers['x-api-key']
      const shown = certificateOf(socket)
      if (shown === 'bad') return undefined
      if (typeof key !== 'string') {
        return shown === 'none' ? undefined : callers.recallCertified(shown.name)
      }
      const caller = callers.recall(key)
      return shown === 'none' || shown.name === caller?.name ? caller : undefined
    },
    async identify({ rawHeaders, socket }) {
      const [key, ...others] = rawHeaders.filter(
        (_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'x-api-key',
      )
      if (others.length > 0) {
        throw new AuthError('request_is_invalid', { detail: 'Send X-Api-Key once.' })
      }
      const shown = certificateOf(socket)
      if (shown === 'bad') {
        throw new AuthError('caller_unknown', { detail: 'Use a client certificate that is valid.' })
      }
      if (key === undefined) {
        if (shown === 'none') throw new AuthError('caller_unknown')
        return callers.identifyCertified(shown.name)
      }
      const caller = await callers.identify(key)
      if (shown === 'none' || shown.name === caller.name) return caller
      throw new AuthError('request_is_invalid', {
        detail: 'The key and the client certificate are of different callers: use one of them.',
      })
    },
  }
}

/**
 * Lets a request in whose caller has the scope that its route needs, before anything of the body is
 * read; all requests where there is no door. What it takes counts against the time for the answer.
 */
export function requireCaller(door: Door | undefined, withinMs: number): Middleware {
  return async (ctx: Context, next) => {
    const scope = scopeFor(ctx.method, ctx.path)
    if (door && scope !== null) {
      const begun = performance.now()
      const caller = door.recall(ctx.req) ?? (await within(withinMs, door.identify(ctx.req)))
      ctx.state.caller = caller
      ctx.state.spentMs = performance.now() - begun
      if (!caller.scopes.includes(scope)) {
        throw new AuthError('caller_scope', { detail: `This needs a caller with scope ${scope}.` })
      }
    }
    await next()
  }
}

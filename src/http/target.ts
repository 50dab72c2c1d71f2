import type { Context, Middleware } from 'koa'

/**
 * Brings the request's target into the form of a path with a query (RFC 9112 §3.2.1), before anybody
 * reads it: parsers of URLs disagree on all others, and some throw. Of an absolute one the host is not
 * looked at, as that of no request is. What has neither form names nothing that is here.
 */
export function readTarget(): Middleware {
  return async (ctx: Context, next) => {
    ctx.url = originForm(ctx.url) ?? '/'
    await next()
  }
}

/** The path and query of a target; undefined where it has none. */
export function originForm(target: string): string | undefined {
  if (isOrigin(target)) return target
  const [, rest] = /^https?:\/\/[^/?#\s]+(.*)$/i.exec(target) ?? []
  if (rest === undefined) return undefined
  const path = rest.startsWith('/') ? rest : `/${rest}`
  return isOrigin(path) ? path : undefined
}

// Printable ASCII without the fragment, which no request carries.
function isOrigin(target: string): boolean {
  return /^\/[!"$-~]*$/.test(target)
}

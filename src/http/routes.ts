import Router, { type RouterMiddleware } from '@koa/router'
import type { Middleware } from 'koa'
import type { CallerScope } from '../caller.ts'
import { AuthError } from '../error.ts'
import type { authHandlers } from './auth.ts'
import type { healthHandlers } from './health.ts'
import type { jwksHandlers } from './jwks.ts'
import type { metricsHandlers } from './metrics.ts'
import type { openapiHandlers } from './openapi.ts'
import type { tenantHandlers } from './tenant.ts'
import type { userHandlers } from './user.ts'

type Handlers = ReturnType<typeof authHandlers> &
  ReturnType<typeof userHandlers> &
  ReturnType<typeof tenantHandlers> &
  ReturnType<typeof jwksHandlers> &
  ReturnType<typeof healthHandlers> &
  ReturnType<typeof metricsHandlers> &
  ReturnType<typeof openapiHandlers>

/**
 * The whole surface of the service, with the scope that a caller needs for it, null for none; a path that
 * answers GET answers HEAD, too.
 */
const surface = [
  ['POST', '/auth', 'login', 'sessions'],
  ['GET', '/auth', 'verify', 'verify'],
  ['PATCH', '/auth', 'refresh', 'sessions'],
  ['DELETE', '/auth', 'blacklist', 'sessions'],
  ['POST', '/auth/user', 'register', 'users'],
  ['PATCH', '/auth/user', 'changePassword', 'users'],
  ['GET', '/auth/user', 'showUser', 'users'],
  ['DELETE', '/auth/user', 'deleteUser', 'users'],
  ['POST', '/auth/user/suspend', 'suspendUser', 'users'],
  ['POST', '/auth/user/reinstate', 'reinstateUser', 'users'],
  ['GET', '/auth/user/sessions', 'listSessions', 'sessions'],
  ['DELETE', '/auth/user/sessions', 'endSessions', 'sessions'],
  ['POST', '/auth/tenant', 'addTenant', 'admin'],
  ['GET', '/auth/tenant', 'listTenants', 'admin'],
  ['POST', '/auth/tenant/suspend', 'suspendTenant', 'admin'],
  ['POST', '/auth/tenant/reinstate', 'reinstateTenant', 'admin'],
  ['GET', '/.well-known/jwks.json', 'showKeys', null],
  ['GET', '/healthz', 'live', null],
  ['GET', '/readyz', 'ready', null],
  ['GET', '/metrics', 'metrics', null],
  ['GET', '/openapi.json', 'describe', null],
] as const satisfies Line[]

type Line = readonly [method: string, path: string, name: keyof Handlers, CallerScope | null]

/** The name of a route's handler. */
export type RouteName = (typeof surface)[number][2]

/** A line of the table: method, path, the handler's name, the scope that a caller needs. */
export type Route = readonly [string, string, RouteName, CallerScope | null]

/** The table for those who describe it. */
export const routes: readonly Route[] = surface

/** The methods that a path takes, as an Allow header; undefined for a path that is not there. */
export function allowed(path: string): string | undefined {
  const methods = surface.filter((route) => route[1] === path).map(([method]) => method)
  if (methods.length === 0) return undefined
  const all = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return [...all, 'OPTIONS'].join(', ')
}

/** The scope that a caller needs for a route; null for one that is open, or not there. */
export function scopeFor(method: string, path: string): CallerScope | null {
  const wanted = method === 'HEAD' ? 'GET' : method
  return surface.find((route) => route[0] === wanted && route[1] === path)?.[3] ?? null
}

/** The name of the handler of a request; undefined where there is none. */
export function handlerOf(method: string, path: string): keyof Handlers | undefined {
  const asked = method === 'HEAD' ? 'GET' : method
  return surface.find((route) => route[0] === asked && route[1] === path)?.[2]
}

/**
 * Refuses unknown paths and methods before anything of the request is read, and answers OPTIONS: with the
 * methods, and with nothing that would let a page of another origin in.
 */
export function requireRoute(shows: (path: string) => boolean): Middleware {
  return async (ctx, next) => {
    const methods = shows(ctx.path) ? allowed(ctx.path) : undefined
    if (methods === undefined) throw new AuthError('not_found')
    if (!methods.split(', ').includes(ctx.method)) {
      ctx.set('Allow', methods)
      throw new AuthError('method_not_allowed')
    }
    if (ctx.method !== 'OPTIONS') return next()
    ctx.set('Allow', methods)
    ctx.status = 204
    // A body is not read, and must not be taken for the next request.
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = ctx.req.headers
    if (length !== '0' || encoding !== undefined) ctx.set('Connection', 'close')
  }
}

/** Sends each request to its handler; paths count to the letter. */
export function route(handlers: Handlers): RouterMiddleware {
  const router = new Router({ sensitive: true, strict: true })
  for (const [method, path, name] of surface) {
    router.register(path, [method], [handlers[name] as RouterMiddleware])
  }
  return router.routes()
}

import Koa, { type Middleware } from 'koa'
import type { Audit } from '../audit.ts'
import type { Auth } from '../auth.ts'
import type { Directory } from '../directory.ts'
import { type Networks, sourceOf } from '../source.ts'
import { auditRequests } from './audit.ts'
import { authHandlers, type TokenRules } from './auth.ts'
import { readBody } from './body.ts'
import { answerWithin } from './deadline.ts'
import { type Door, requireCaller } from './door.ts'
import { answerFailures } from './failure.ts'
import { healthHandlers, type Readiness } from './health.ts'
import { jwksHandlers, type PublicKeys } from './jwks.ts'
import { type Log, logRequests } from './log.ts'
import { type Metrics, metricsHandlers } from './metrics.ts'
import { openapiHandlers } from './openapi.ts'
import type { RequestIds } from './request-id.ts'
import { requireRoute, route } from './routes.ts'
import { readTarget } from './target.ts'
import { tenantHandlers } from './tenant.ts'
import { userHandlers } from './user.ts'

interface Parts {
  auth: Auth
  directory: Directory
  /** Where callers have to say who they are. */
  door?: Door | undefined
  publicKeys: PublicKeys
  readiness: () => Promise<Readiness>
  log: Log
  requestIds: RequestIds
  metrics: Pick<Metrics, 'observe'>
  /** What /metrics shows. */
  exposition: () => Promise<string>
  rules: TokenRules
  audit: Audit
  /** Whose X-Forwarded-For is believed. */
  trustedProxies: Networks
  /** Which of the paths are served; all, unless told. */
  shows?(path: string): boolean
  /** How long an answer may take; past it, 503. */
  deadlineMs: number
}

/** The service over HTTP. */
export function createApp(parts: Parts): Koa {
  const { auth, directory, door, readiness, log, requestIds, metrics, exposition, rules } = parts
  const { audit, publicKeys, trustedProxies, shows = () => true } = parts
  const app = new Koa()
  app.silent = true
  const steps: Middleware[] = [
    refuseCrowds(),
    readTarget(),
    nameSource(trustedProxies),
    logRequests(log, requestIds),
    auditRequests(audit),
    metrics.observe,
    answerPrivately(),
    answerFailures(),
    requireRoute(shows),
    requireCaller(door, parts.deadlineMs),
    ...readBody(),
    answerWithin(parts.deadlineMs),
    route({
      ...authHandlers(auth, rules),
      ...userHandlers(auth, directory),
      ...tenantHandlers(directory),
      ...jwksHandlers(publicKeys),
      ...healthHandlers(readiness),
      ...metricsHandlers(exposition),
      ...openapiHandlers(),
    }) as Middleware,
  ]
  for (const step of steps) app.use(step)
  return app
}

// Any answer may concern a token, so none is kept by a cache (RFC 6750 §5.3); the public keys alone may be.
function answerPrivately(): Middleware {
  return async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.set('X-Content-Type-Options', 'nosniff')
    await next()
  }
}

function nameSource(trusted: Networks): Middleware {
  return async (ctx, next) => {
    const forwarded = ctx.req.headers['x-forwarded-for'] as string | undefined
    ctx.state.source = sourceOf(ctx.req.socket.remoteAddress, forwarded, trusted)
    await next()
  }
}

/** How many requests of one connection may be under way. */
const MOST_AT_ONCE = 100

// Node reads on while requests wait for their answers, so one connection could fill memory with them.
function refuseCrowds(): Middleware {
  const underWay = new WeakMap<object, number>()
  return async ({ req: { socket } }, next) => {
    const count = (underWay.get(socket) ?? 0) + 1
    underWay.set(socket, count)
    if (count > MOST_AT_ONCE) socket.destroy()
    else await next()
    underWay.set(socket, (underWay.get(socket) ?? 1) - 1)
  }
}

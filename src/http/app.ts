import Koa, { type Middleware } from 'koa'
import type { Auth } from '../auth.ts'
import type { Directory } from '../directory.ts'
import { authHandlers, type TokenRules } from './auth.ts'
import { readBody } from './body.ts'
import { answerWithin } from './deadline.ts'
import { type Door, requireCaller } from './door.ts'
import { answerFailures } from './failure.ts'
import { healthHandlers, type Readiness } from './health.ts'
import { type Log, logRequests } from './log.ts'
import { type Metrics, metricsHandlers } from './metrics.ts'
import { openapiHandlers } from './openapi.ts'
import type { RequestIds } from './request-id.ts'
import { requireRoute, route } from './routes.ts'
import { tenantHandlers } from './tenant.ts'
import { userHandlers } from './user.ts'

interface Parts {
  auth: Auth
  directory: Directory
  /** Where callers have to say who they are. */
  door?: Door | undefined
  readiness: () => Promise<Readiness>
  log: Log
  requestIds: RequestIds
  metrics: Pick<Metrics, 'observe'>
  /** What /metrics shows. */
  exposition: () => Promise<string>
  rules: TokenRules
  /** How long an answer may take; past it, 503. */
  deadlineMs: number
}

/** The service over HTTP. */
export function createApp(parts: Parts): Koa {
  const { auth, directory, door, readiness, log, requestIds, metrics, exposition, rules } = parts
  const app = new Koa()
  app.silent = true
  const steps: Middleware[] = [
    logRequests(log, requestIds),
    metrics.observe,
    answerPrivately(),
    answerFailures(),
    requireRoute(),
    requireCaller(door, parts.deadlineMs),
    ...readBody(),
    answerWithin(parts.deadlineMs),
    route({
      ...authHandlers(auth, rules),
      ...userHandlers(auth, directory),
      ...tenantHandlers(directory),
      ...healthHandlers(readiness),
      ...metricsHandlers(exposition),
      ...openapiHandlers(),
    }) as Middleware,
  ]
  for (const step of steps) app.use(step)
  return app
}

// Every answer may concern a token, so none is kept by a cache (RFC 6750 §5.3).
function answerPrivately(): Middleware {
  return async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.set('X-Content-Type-Options', 'nosniff')
    await next()
  }
}

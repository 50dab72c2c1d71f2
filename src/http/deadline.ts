import { setTimeout as delay } from 'node:timers/promises'
import type { Middleware } from 'koa'
import { AuthError } from '../error.ts'

/** Answers service_unavailable to what takes longer than so many ms; it is then done or not. */
export function answerWithin(ms: number): Middleware {
  return async (_ctx, next) => {
    const done = new AbortController()
    const late = delay(ms, undefined, { signal: done.signal }).then(() => {
      throw new AuthError('service_unavailable', { cause: new Error(`not done within ${ms} ms`) })
    })
    try {
      await Promise.race([next(), late])
    } finally {
      done.abort()
    }
  }
}

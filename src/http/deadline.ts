import { setTimeout as delay } from 'node:timers/promises'
import type { Middleware } from 'koa'
import { AuthError } from '../error.ts'

/** Throws service_unavailable when work takes longer than so many ms; it is then done or not. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const done = new AbortController()
  const late = delay(ms, undefined, { signal: done.signal }).then(() => {
    throw new AuthError('service_unavailable', { cause: new Error(`not done within ${ms} ms`) })
  })
  try {
    return await Promise.race([work, late])
  } finally {
    done.abort()
  }
}

/** Answers within so many ms, less what was spent before the body was read. */
export function answerWithin(ms: number): Middleware {
  return async ({ state }, next) => {
    await within(Math.max(0, ms - Math.ceil(state.spentMs ?? 0)), next())
  }
}

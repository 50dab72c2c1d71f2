import { AuthError } from '../error.ts'
import type { Store } from '../store.ts'
import { createCallers } from './callers.ts'
import { createGraphClock } from './clock.ts'
import type { Engine } from './engine.ts'
import { createFeed } from './feed.ts'
import { createOverview } from './overview.ts'
import { createPruning } from './pruning.ts'
import { checkSchema } from './schema.ts'
import { createSessions } from './sessions.ts'
import { createTenants } from './tenants.ts'
import { createTokens } from './tokens.ts'
import { createUsers } from './users.ts'

/** The store over a graph whose schema has been prepared. */
export function createStore(engine: Engine): Store {
  const clock = createGraphClock()
  const { counts: sessionCounts, ...sessions } = createSessions(engine)
  const { counts: tokenCounts, ...tokens } = createTokens(engine, clock)
  const { counts: callerCounts, ...callers } = createCallers(engine, clock)
  return {
    tenants: createTenants(engine),
    users: createUsers(engine),
    sessions,
    tokens,
    callers,
    batches: () => ({ ...sessionCounts, ...tokenCounts, ...callerCounts }),
    feed: createFeed(engine, clock),
    pruning: createPruning(engine),
    overview: createOverview(engine),
    now: clock.now,
    observe: clock.observe,
    async check() {
      try {
        clock.observe(await checkSchema(engine))
      } catch (cause) {
        throw cause instanceof AuthError ? cause : new AuthError('service_unavailable', { cause })
      }
    },
    copy: () => engine.copy(),
    close: () => engine.close(),
  }
}

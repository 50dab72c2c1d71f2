import { createApiKeys } from '../../src/api-key.ts'
import type { Engine } from '../../src/graph/engine.ts'
import { prepareSchema } from '../../src/graph/schema.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'
import { createKeyRing, type KeyRing } from '../../src/keys.ts'
import { createPasswordHasher } from '../../src/password.ts'
import { createQueue } from '../../src/queue.ts'
import { createRemembering, type Limits } from '../../src/service/remembering.ts'
import { createService, type Rules, type Tools } from '../../src/service/service.ts'
import type { Throttle } from '../../src/throttle.ts'
import { createTokenText } from '../../src/token-text.ts'

/** The secret that every test's service signs with. */
export const SECRET = 'a secret that only the tests know of'
export const NAMES = { issuer: 'sessiongraph', audience: 'sessiongraph' }
export const PASSWORD = 'correct horse'

export const RULES: Rules = {
  tokenSeconds: 900,
  sessionSeconds: 3600,
  graceSeconds: 30,
  reuseDetection: true,
  hideUnknownUsers: false,
  requireCurrentPassword: false,
  sessionsPerUser: 0,
  retentionSeconds: 0,
}

interface Variation {
  rules?: Partial<Rules>
  cost?: number
  pepper?: string
  /** Whether verify is answered from memory where that is possible. */
  fromMemory?: boolean
  throttle?: Throttle
  ring?: KeyRing
  /** How many tokens that memory may hold. */
  most?: Partial<Pick<Limits, 'mostChecked' | 'mostKnown'>>
}

/** A service over a graph, as bin wires it, with cheap hashes. */
export function createTestService(engine: Engine, variation: Variation = {}) {
  const { rules, cost = 4, pepper = '', fromMemory = false, throttle, most } = variation
  const ring = variation.ring ?? createKeyRing(SECRET)
  const store = createStore(engine)
  const remembering = fromMemory ? createRemembering(store, { ...limits, ...most }) : undefined
  remembering?.follower.start()
  const tools: Tools = {
    store: remembering?.store ?? store,
    ...(remembering && { paths: remembering.paths }),
    ring,
    tokenText: createTokenText({ ring, ...NAMES }),
    hasher: createPasswordHasher({ cost, pepper, queue: createQueue(2, 10_000) }),
    apiKeys: createApiKeys(SECRET, newId),
    newId,
    rules: { ...RULES, ...rules },
    ...(throttle && { throttle }),
  }
  return {
    auth: createService(tools),
    tools,
    remembering,
    close: async () => remembering?.follower.stop(),
  }
}

const limits = {
  pollMs: 20,
  maxStalenessMs: 5_000,
  mostEntries: 100_000,
  mostChecked: 1_000,
  mostKnown: 1_000,
  monotonic: () => performance.now(),
  onFailure: () => undefined,
}

export { prepareSchema }

/** A username that no other test uses: the graph may be shared. */
export function newUsername(): string {
  return `u.${newId().toLowerCase()}`.replaceAll(/[^a-z0-9.]/g, '.')
}

/** A tenant's name that no other test uses. */
export function newTenant(): string {
  return `t-${newId().toLowerCase().replaceAll('_', '-')}`
}

/** A name for a caller that no other test uses. */
export function newCallerName(length = 20): string {
  return `c${newId()
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '0')
    .slice(0, length)}`
}

import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Config } from '../private/config.ts'
import { readKeyFile } from '../private/key-file.ts'
import { keptSecret } from '../private/secret.ts'
import { createApiKeys, deriveApiKeySecret } from '../src/api-key.ts'
import { openEmbedded } from '../src/graph/embedded.ts'
import type { Engine } from '../src/graph/engine.ts'
import { connectNeo4j } from '../src/graph/neo4j.ts'
import { newId } from '../src/id.ts'
import { createKeyRing, keyRingOf, type ReplaceableKeyRing } from '../src/keys.ts'
import { createPasswordHasher } from '../src/password.ts'
import { createQueue } from '../src/queue.ts'
import type { Tools } from '../src/service/service.ts'
import type { Store } from '../src/store.ts'
import { createThrottle } from '../src/throttle.ts'
import { createTokenText } from '../src/token-text.ts'

/** How long one statement may take in all: every request is answered within 3 s. */
const STATEMENT_MS = 2_500
/** The same for an operator, who can wait for a database that is busy. */
export const COMMAND_MS = 15_000
/** What would wait longer is refused, in time to be answered within a second. */
const HASH_WAIT_MS = 900
/** Sources, and accounts at a source, whose wrong passwords are counted at a time. */
const MOST_COUNTERS = 20_000

/** Told, for a log, when the graph cannot be used, and when it can. */
interface Told {
  onAway?(reason: string): void
  onBack?(awayMs: number): void
}

/** The graph that the settings name: Neo4j, or else the embedded one. */
export async function openGraph(
  config: Config,
  told: Told = {},
  deadlineMs = STATEMENT_MS,
): Promise<Engine> {
  if (config.neo4jUri === '') return openEmbedded(config.dataDir)
  return connectNeo4j({
    uri: config.neo4jUri,
    username: config.neo4jUsername,
    password: config.neo4jPassword,
    database: config.neo4jDatabase,
    deadlineMs,
    ...told,
  })
}

/** What the verbs work with, by the settings. */
export async function assembleTools(
  config: Config,
  store: Store,
): Promise<Tools & { ring: ReplaceableKeyRing }> {
  const ring = await openRing(config)
  const { jwtIssuer: issuer, jwtAudience: audience } = config
  return {
    store,
    ring,
    newId,
    tokenText: createTokenText({ ring, issuer, audience }),
    hasher: createPasswordHasher({
      cost: config.bcryptCost,
      pepper: config.passwordPepper,
      queue: createQueue(hashesAtOnce(config.workers), HASH_WAIT_MS),
    }),
    apiKeys: createApiKeys(await apiKeySecret(config), newId),
    throttle: createThrottle({
      windowSeconds: config.loginWindowSeconds,
      perAccount: config.loginFailuresPerAccount || Number.POSITIVE_INFINITY,
      perSource: config.loginFailuresPerSource || Number.POSITIVE_INFINITY,
      inAll: config.loginFailuresInAll || Number.POSITIVE_INFINITY,
      maxWaitMs: HASH_WAIT_MS,
      mostCounters: MOST_COUNTERS,
    }),
    rules: {
      tokenSeconds: config.tokenTtlSeconds,
      sessionSeconds: config.sessionTtlSeconds,
      graceSeconds: config.refreshGraceSeconds,
      reuseDetection: config.reuseDetection,
      hideUnknownUsers: config.hideUnknownUsers,
      requireCurrentPassword: config.requireCurrentPassword,
      sessionsPerUser: config.maxSessionsPerUser,
      retentionSeconds: config.sessionRetentionSeconds,
    },
  }
}

async function apiKeySecret(config: Config): Promise<string | Uint8Array> {
  const { apiKeySecret: given, jwtSecret, dataDir } = config
  if (given !== '') return given
  if (jwtSecret !== '') return deriveApiKeySecret(jwtSecret)
  return keptSecret(dataDir, randomBytes, 'api-key-secret')
}

async function openRing({ jwtKeysFile, jwtSecret, dataDir }: Config): Promise<ReplaceableKeyRing> {
  if (jwtKeysFile !== '') return keyRingOf(readKeyFile(jwtKeysFile).keys)
  return createKeyRing(jwtSecret || (await keptSecret(dataDir, randomBytes)))
}

// A core stays free for verify, and a thread of libuv's pool (4 unless set) for name look-ups: a flood
// of log-ins must not keep the service from its database.
function hashesAtOnce(workers: number): number {
  const threads = Number(process.env.UV_THREADPOOL_SIZE) || 4
  return Math.max(1, Math.min(Math.floor((availableParallelism() - 1) / workers), threads - 1))
}

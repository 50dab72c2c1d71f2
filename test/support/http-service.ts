import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type Audit, noAudit } from '../../src/audit.ts'
import type { Engine } from '../../src/graph/engine.ts'
import { createApp } from '../../src/http/app.ts'
import { createDoor } from '../../src/http/door.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { createRequestIds } from '../../src/http/request-id.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { shortAnswer, takeShortWay } from '../../src/http/short-way.ts'
import { newId } from '../../src/id.ts'
import type { KeyRing } from '../../src/keys.ts'
import { createDirectory } from '../../src/service/directory.ts'
import { createCallerAuth } from '../../src/service/identify-caller.ts'
import {
  createFirstSight,
  createRecall,
  type Rules,
  type Tools,
} from '../../src/service/service.ts'
import { type Networks, parseNetworks } from '../../src/source.ts'
import type { Throttle } from '../../src/throttle.ts'
import { createTestService } from './world.ts'

interface Served {
  url: string
  server: Server
  tools: Tools
  /** What was logged so far. */
  logged: Record<string, unknown>[]
  /** How many requests did not take the short way, where there is one. */
  counts: { framework: number }
  /** Resolves once memory is trusted, where verify is answered from it. */
  trusted(): Promise<void>
  close(): Promise<void>
}

interface Options {
  rules?: Partial<Rules>
  tokenInQuery?: boolean
  /** Whether verify is answered from memory, in front of the framework where that is possible. */
  fromMemory?: boolean
  /** Whether callers have to say who they are. */
  asksCallers?: boolean
  throttle?: Throttle
  audit?: Audit
  trustedProxies?: string
  ring?: KeyRing
}

/** The service of the tests on a real socket. */
export async function serveTestService(engine: Engine, options: Options = {}): Promise<Served> {
  const { rules = {}, tokenInQuery = true, fromMemory = false, asksCallers = false } = options
  const { audit = noAudit, trustedProxies = '', throttle, ring } = options
  const service = createTestService(engine, {
    rules,
    fromMemory,
    ...(throttle && { throttle }),
    ...(ring && { ring }),
  })
  const { auth, tools, close } = service
  const monotonic = () => performance.now()
  const door = asksCallers ? createDoor(createCallerAuth(tools, { monotonic })) : undefined
  const logged: Record<string, unknown>[] = []
  const write = (fields: object) => {
    logged.push({ ...fields })
  }
  const log = { isLevelEnabled: () => true, info: write, warn: write, error: write }
  const requestIds = createRequestIds(newId)
  const metrics = createMetrics({})
  const app = createApp({
    auth,
    directory: createDirectory(tools),
    door,
    publicKeys: tools.ring.publicKeys,
    readiness: () => tools.store.check().then(() => ({ reasons: [], details: {} })),
    log,
    requestIds,
    metrics,
    exposition: () => metrics.registry.metrics(),
    rules: { tokenInQuery },
    audit,
    trustedProxies: parseNetworks(trustedProxies) as Networks,
    deadlineMs: 20_000,
  })
  const listener = app.callback()
  const counts = { framework: 0 }
  const server = createHttpServer(
    fromMemory
      ? takeShortWay({
          door,
          recall: createRecall(tools, shortAnswer),
          firstSight: createFirstSight(tools, shortAnswer),
          log,
          metrics,
          requestIds,
          listener(request, response) {
            counts.framework += 1
            listener(request, response)
          },
        })
      : listener,
  )
  // A graph that is slow under many tests is waited for.
  server.timeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    tools,
    logged,
    counts,
    async trusted() {
      while (!service.remembering?.follower.isTrusted()) await delay(5)
    },
    async close() {
      await close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

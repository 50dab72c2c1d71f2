import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Engine } from '../../src/graph/engine.ts'
import { createApp } from '../../src/http/app.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { createRequestIds } from '../../src/http/request-id.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { takeShortWay } from '../../src/http/short-way.ts'
import { newId } from '../../src/id.ts'
import { createDirectory } from '../../src/service/directory.ts'
import { createFirstSight, createRecall, type Rules } from '../../src/service/service.ts'
import { createTestService } from './world.ts'

interface Served {
  url: string
  server: Server
  close(): Promise<void>
}

interface Options {
  rules?: Partial<Rules>
  tokenInQuery?: boolean
  /** Whether verify is answered from memory, in front of the framework where that is possible. */
  fromMemory?: boolean
}

/** The service of the tests on a real socket. */
export async function serveTestService(engine: Engine, options: Options = {}): Promise<Served> {
  const { rules = {}, tokenInQuery = true, fromMemory = false } = options
  const { auth, tools, close } = createTestService(engine, { rules, fromMemory })
  const silence = () => undefined
  const log = { isLevelEnabled: () => true, info: silence, warn: silence, error: silence }
  const requestIds = createRequestIds(newId)
  const metrics = createMetrics({})
  const app = createApp({
    auth,
    directory: createDirectory(tools),
    readiness: () => tools.store.check().then(() => ({ reasons: [], details: {} })),
    log,
    requestIds,
    metrics,
    exposition: () => metrics.registry.metrics(),
    rules: { tokenInQuery },
    deadlineMs: 20_000,
  })
  const listener = app.callback()
  const recall = createRecall(tools)
  const server = createHttpServer(
    fromMemory
      ? takeShortWay({
          recall,
          firstSight: createFirstSight(tools),
          log,
          metrics,
          requestIds,
          listener,
        })
      : listener,
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    async close() {
      await close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

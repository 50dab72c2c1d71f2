import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Engine } from '../../src/graph/engine.ts'
import { createApp } from '../../src/http/app.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { newId } from '../../src/id.ts'
import type { Rules } from '../../src/service/service.ts'
import { createTestService } from './world.ts'

interface Served {
  url: string
  server: Server
  close(): Promise<void>
}

/** The service of the tests on a real socket. */
export async function serveTestService(
  engine: Engine,
  { rules, tokenInQuery = true }: { rules?: Partial<Rules>; tokenInQuery?: boolean } = {},
): Promise<Served> {
  const { auth, tools } = createTestService(engine, rules ? { rules } : {})
  const silence = () => undefined
  const app = createApp({
    auth,
    readiness: () => tools.store.check().then(() => []),
    log: { info: silence, warn: silence, error: silence },
    newId,
    rules: { tokenInQuery },
  })
  const server = createHttpServer(app.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

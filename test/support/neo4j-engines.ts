import type { Engine } from '../../src/graph/engine.ts'
import { connectNeo4j } from '../../src/graph/neo4j.ts'
import { neo4j } from './engines.ts'
import { createProxy, type TcpProxy } from './tcp-proxy.ts'

/** The part of a test that is used here. */
interface Owner {
  teardown(end: () => Promise<void>): void
}

interface Options {
  deadlineMs?: number
  maxConnectionPoolSize?: number
  onAway?(reason: string): void
  onBack?(awayMs: number): void
}

/** The Neo4j of the tests behind a proxy of its own; both end with the test. */
export async function openBehindProxy(
  t: Owner,
  options: Options = {},
): Promise<{ engine: Engine; proxy: TcpProxy }> {
  if (!neo4j) throw new Error('NEO4J_TEST_URI is not set')
  const proxy = await createProxy(neo4j.uri)
  const engine = openAt(t, proxy.port, options)
  t.teardown(() => proxy.close())
  return { engine, proxy }
}

/** An engine on a port of this machine, with the credentials of the tests; it ends with the test. */
export function openAt(t: Owner, port: number, options: Options = {}): Engine {
  const account = neo4j ?? { username: '', password: '', database: 'neo4j' }
  const uri = `bolt://127.0.0.1:${port}`
  const engine = connectNeo4j({ deadlineMs: 2_500, ...account, ...options, uri })
  t.teardown(() => engine.close())
  return engine
}

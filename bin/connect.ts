import { connect as connectSocket } from 'node:net'
import type { Config } from '../private/config.ts'
import { askService } from '../src/cli/remote.ts'
import { prepareSchema } from '../src/graph/schema.ts'
import { createStore } from '../src/graph/store.ts'
import { newId } from '../src/id.ts'
import type { Operator } from '../src/operator.ts'
import { createOperator } from '../src/service/operate.ts'
import { assembleTools, COMMAND_MS, openGraph } from './assemble.ts'
import { openAuditLog } from './audit-log.ts'
import { auditOperator } from './audit-operator.ts'
import { createLog } from './log.ts'
import { socketPath } from './socket.ts'

/**
 * What the command line acts on: the service that holds the embedded graph, if one runs; else the graph
 * itself, which on Neo4j is always there.
 */
export async function connect(
  config: Config,
): Promise<{ operator: Operator; close(): Promise<void> }> {
  const path = socketPath(config.dataDir)
  if (config.neo4jUri === '' && (await answers(path))) {
    return { operator: askService(path), close: async () => undefined }
  }
  const engine = await openGraph(config, {}, COMMAND_MS)
  try {
    await prepareSchema(engine, newId)
    const tools = await assembleTools(config, createStore(engine))
    const operator = createOperator(tools)
    // Standard output is for the answer.
    const { auditLog } = config
    const audit = openAuditLog(auditLog === 'stdout' ? 'off' : auditLog, createLog('error'))
    return { operator: auditOperator(operator, audit), close: () => engine.close() }
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** Whether somebody listens at a socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

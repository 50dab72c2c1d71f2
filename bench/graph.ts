import { join } from 'node:path'
import { startNeo4j } from '../private/neo4j.ts'
import type { Engine } from '../src/graph/engine.ts'
import { connectNeo4j } from '../src/graph/neo4j.ts'
import { prepareSchema } from '../src/graph/schema.ts'
import { newId } from '../src/id.ts'
import { type Environment, root } from './child.ts'

/** A Neo4j of this run, empty at first. */
export interface Graph {
  version: string
  /** The settings by which a service or a baseline uses it. */
  env: Environment
  /** A connection of the harness itself, for what has to be there before a measurement. */
  engine: Engine
  stop(): Promise<void>
}

/** Why there is no Neo4j on this machine. */
export class MissingGraph extends Error {}

export async function startGraph(signal: AbortSignal): Promise<Graph> {
  const found = await startNeo4j({ cache: join(root, '.neo4j'), env: process.env, signal })
  if ('missing' in found) throw new MissingGraph(`there is no Neo4j here: ${found.missing}`)
  const { uri, username, password, version } = found
  const account = password === '' ? { username: '', password: '' } : { username, password }
  const engine = connectNeo4j({ uri, ...account, database: 'neo4j', deadlineMs: 60_000 })
  await prepareSchema(engine, newId)
  return {
    version,
    env: {
      NEO4J_URI: uri,
      NEO4J_USERNAME: account.username || undefined,
      NEO4J_PASSWORD: account.password || undefined,
    },
    engine,
    async stop() {
      await engine.close()
      await found.stop()
    },
  }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbedded } from '../../src/graph/embedded.ts'
import type { Engine } from '../../src/graph/engine.ts'
import { connectNeo4j } from '../../src/graph/neo4j.ts'

/** The Neo4j of this run, which every test shares; undefined where there is none. */
export const neo4j = process.env.NEO4J_TEST_URI
  ? {
      uri: process.env.NEO4J_TEST_URI,
      username: process.env.NEO4J_TEST_USERNAME ?? '',
      password: process.env.NEO4J_TEST_PASSWORD ?? '',
      database: 'neo4j',
    }
  : undefined

export interface TestEngine {
  name: string
  /** Opens the graph; what it leaves behind is removed when it is closed. */
  open(): Promise<Engine>
}

/** The engines that every contract suite runs on. */
export const engines: TestEngine[] = [
  { name: 'embedded', open: openTemporary },
  ...(neo4j
    ? [{ name: 'Neo4j', open: async () => connectNeo4j({ ...neo4j, deadlineMs: 10_000 }) }]
    : []),
]

async function openTemporary(): Promise<Engine> {
  const directory = await mkdtemp(join(tmpdir(), 'sessiongraph-'))
  const engine = await openEmbedded(directory)
  return {
    ...engine,
    async close() {
      await engine.close()
      await rm(directory, { recursive: true })
    },
  }
}

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Neo4j, startNeo4j } from '../private/neo4j.ts'

/** A Neo4j of the campaign's own, with data that outlives its process. */
export interface GraphServer {
  uri: string
  version: string
  /** The folder that everything of it is in. */
  folder: string
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): Promise<void>
  /** Starts it again after it was killed; resolves when Bolt answers. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Why there is no Neo4j, for whoever can mend it. */
export class MissingNeo4j extends Error {}

/** `cache` keeps the jars. Throws MissingNeo4j where this machine has no way to start one. */
export async function startGraph(
  cache: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<GraphServer> {
  const folder = await mkdtemp(join(tmpdir(), 'sessiongraph-survive-neo4j-'))
  let server: Neo4j
  try {
    server = await start()
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  const { uri, version } = server
  const port = Number(new URL(uri).port)

  async function start(samePort?: number): Promise<Neo4j> {
    const options = { home: folder, cache, env, signal, log }
    const found = await startNeo4j(samePort ? { ...options, port: samePort } : options)
    if (!('missing' in found)) return found
    throw new MissingNeo4j(
      `${found.missing}: start Docker, or install Java 17 or newer and Maven, or use --engine embedded`,
    )
  }

  return {
    uri,
    version,
    folder,
    async signal(name) {
      await server.signal?.(name)
      if (name === 'SIGKILL') await server.ended
    },
    async restart() {
      await server.stop()
      server = await start(port)
    },
    async stop() {
      await server.signal?.('SIGCONT').catch(() => undefined)
      await server.stop()
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** A folder on a disk of its own that can be filled; nothing where this user may not mount one. */
export async function mountDisk(
  folder: string,
  megabytes: number,
): Promise<{ unmount(): Promise<void> } | undefined> {
  const run = promisify(execFile)
  await mkdir(folder, { recursive: true })
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs', folder])
  } catch {
    return undefined
  }
  return {
    async unmount() {
      // Lazily: what a process that was just ended had open may be let go of a moment later.
      await run('umount', ['-l', folder])
    },
  }
}

import { requireFreePort } from './neo4j-bolt.ts'
import { startInDocker } from './neo4j-docker.ts'
import { startFromMaven } from './neo4j-maven.ts'

/** What a Neo4j server for development or tests may be asked for. */
export interface Neo4jOptions {
  /** The folder whose `data` holds the data, kept; left out, a temporary one, removed at stop. */
  home?: string
  /** The port for Bolt; 0 or left out: any free one. */
  port?: number
  /** For the user `neo4j`, at least 8 characters; left out, authentication is off. */
  password?: string
  /** Where jars are kept, so that only the first start downloads them. */
  cache: string
  env: NodeJS.ProcessEnv
  /** Gives up a start that is under way; the promise rejects with the signal's reason. */
  signal?: AbortSignal
  /** Told, in one line, of what takes long. */
  log?: (line: string) => void
}

/** A server that answers on Bolt. */
export interface Neo4j {
  how: 'uri' | 'docker' | 'maven'
  uri: string
  username: string
  password: string
  /** As the server calls itself: `Neo4j/5.26.30`. */
  version: string
  /** Resolves when the server is gone, whoever ended it. */
  ended: Promise<void>
  /** Sends its process a signal: SIGSTOP, SIGCONT, SIGKILL. Left out where the server is another's. */
  signal?(name: NodeJS.Signals): Promise<void>
  /** Ends the server and waits until it is gone; may be called again. */
  stop(): Promise<void>
}

/** Why there is no server, as part of a sentence: `no Docker engine answers`. */
export interface Missing {
  missing: string
}

/** A way to a server: says what is missing on this machine, and throws if it is there but fails. */
export type Way = (options: Neo4jOptions) => Promise<Neo4j | Missing>

/** Starts a real Neo4j 5.26: in Docker if an engine answers, else from Maven Central on Java. */
export async function startNeo4j(
  options: Neo4jOptions,
  ways: Way[] = [startInDocker, startFromMaven],
): Promise<Neo4j | Missing> {
  if (options.port) await requireFreePort(options.port)
  const reasons: string[] = []
  for (const way of ways) {
    const found = await way(options)
    if (!('missing' in found)) return found
    reasons.push(found.missing)
  }
  return { missing: reasons.join('; ') }
}

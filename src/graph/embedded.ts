import { constants, existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import grafeo, { type GrafeoDB } from '@grafeo-db/js'
import { AuthError } from '../error.ts'
import { createForwardClock } from './clock.ts'
import type { Engine, Parameters, Row } from './engine.ts'

/** The names, in its folder, of the graph's file and of what is written beside it. */
export const GRAPH_FILE = 'graph.grafeo'
/** Stands in the folder while a restore moves files: a half of the graph must not be taken for all of it. */
export const RESTORING = 'restoring'

/** Opens the graph in a folder, which one process at a time can own. Throws when it cannot. */
export async function openEmbedded(directory: string): Promise<Engine> {
  const graph = await openIn(directory)
  const clock = createForwardClock(await latestIn(graph))
  const running = new Set<Promise<unknown>>()
  let lane: Promise<unknown> = Promise.resolve()
  let closed = false

  function run(statement: string, parameters: Parameters = {}): Promise<Row[]> {
    if (closed) throw new AuthError('service_unavailable', { detail: 'The service is stopping.' })
    // The engine's own timestamp() is the machine's clock, which may be set back.
    const timed = statement.replaceAll('timestamp()', '$graphTime')
    const values = timed === statement ? parameters : { ...parameters, graphTime: clock() }
    const answer = graph.executeCypher(timed, values).then((result) => result.toArray())
    return track(answer.catch(fail))
  }

  // The graph is optimistic: concurrent writers fail with conflicts, one after the other never does.
  function write(statement: string, parameters?: Parameters): Promise<Row[]> {
    const written = lane.then(() => run(statement, parameters))
    lane = written.catch(() => undefined)
    return track(written)
  }

  function track<T>(promise: Promise<T>): Promise<T> {
    running.add(promise)
    const forget = () => running.delete(promise)
    promise.then(forget, forget)
    return promise
  }

  // Every write is in the files when it is acknowledged, and none is under way here: reads go on.
  function copy(): Promise<string> {
    const copied = lane.then(() => copyFiles(directory))
    lane = copied.catch(() => undefined)
    return track(copied)
  }

  async function requireIndex(label: string, property: string): Promise<void> {
    await write(
      `CREATE INDEX ${label}_${property}_index IF NOT EXISTS FOR (n:${label}) ON (n.${property})`,
    )
  }

  return {
    description: `embedded graph in ${directory}`,
    needsHeartbeat: false,
    read: run,
    write,
    async requireUnique(label, property) {
      await write(
        `CREATE CONSTRAINT ${label}_${property} IF NOT EXISTS FOR (n:${label}) REQUIRE n.${property} IS UNIQUE`,
      )
      // A constraint here serves no look-ups.
      await requireIndex(label, property)
    },
    requireIndex,
    copy,
    async close() {
      if (closed) return
      await Promise.allSettled(running)
      closed = true
      graph.close()
    },
  }
}

/**
 * The latest time that the graph tells of, in ms: a token's or an entry's. A machine whose clock was set
 * back goes on from there.
 */
async function latestIn(graph: GrafeoDB): Promise<number> {
  const latest = await Promise.all(
    [
      'MATCH (token:Token) RETURN max(token.issuedAt) AS latest',
      'MATCH (entry:BlacklistEntry) RETURN max(entry.at) AS latest',
    ].map(async (statement) => (await graph.executeCypher(statement)).toArray() as Row[]),
  )
  return Math.max(0, ...latest.flat().map((row) => (row.latest as number | null) ?? 0))
}

/** What the disk did not take was rolled back (GRAFEO-T009): it may be tried again when there is room. */
function fail(cause: Error): never {
  if (!cause.message.includes('GRAFEO-T009')) throw cause
  throw new AuthError('service_unavailable', { cause })
}

async function openIn(directory: string): Promise<GrafeoDB> {
  if (existsSync(join(directory, RESTORING))) {
    throw new Error(
      `cannot open the graph in ${directory}: a restore was cut off; run "sessiongraph restore FILE" again`,
    )
  }
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return grafeo.GrafeoDB.create(join(directory, GRAPH_FILE))
  } catch (cause) {
    const { message } = cause as Error
    const why = isLocked(message)
      ? 'another process has it open; stop that one'
      : /cannot open|is damaged/.test(message)
        ? `${message}; it may be damaged: restore a backup`
        : `${message}; make it a folder that can be written`
    throw new Error(`cannot open the graph in ${directory}: ${why}, or set DATA_DIR to another`, {
      cause,
    })
  }
}

function isLocked(message: string): boolean {
  return /cannot be locked|is locked by another process/.test(message)
}

async function copyFiles(directory: string): Promise<string> {
  const folder = await temporaryFolder(directory, 'copy-')
  try {
    for (const name of await graphFiles(directory)) {
      await cp(join(directory, name), join(folder, name), {
        recursive: true,
        mode: constants.COPYFILE_FICLONE,
      })
    }
    return folder
  } catch (cause) {
    await rm(folder, { recursive: true, force: true })
    throw new AuthError('service_unavailable', { cause })
  }
}

const LEFT_MS = 3_600_000

/** A new folder inside another, for its owner alone; those that were left there long ago are removed. */
export async function temporaryFolder(directory: string, prefix: string): Promise<string> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    if (!name.startsWith(prefix) || Date.now() - (await stat(path)).mtimeMs < LEFT_MS) continue
    await rm(path, { recursive: true, force: true })
  }
  return mkdtemp(join(directory, prefix))
}

/** The names of what makes up the graph of a folder: its file, and the log of writes beside it. */
export async function graphFiles(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith(GRAPH_FILE)).toSorted()
}

/** Makes one file of the graph of a folder that nobody has open. */
export async function packEmbedded(directory: string, file: string): Promise<void> {
  const graph = await openIn(directory)
  try {
    graph.save(file)
  } finally {
    graph.close()
  }
}

/**
 * Keeps everybody from opening the graph of a folder to write, until the function that this gives is
 * called. A graph that is not there, or is damaged, nobody can open. Throws request_is_invalid while
 * another process has it open.
 */
export function holdEmbedded(directory: string): () => void {
  try {
    const graph = grafeo.GrafeoDB.openReadOnly(join(directory, GRAPH_FILE))
    return () => graph.close()
  } catch (error) {
    if (!isLocked((error as Error).message)) return () => undefined
    throw new AuthError('request_is_invalid', {
      detail: `A process has the graph in ${directory} open: stop it, then restore again.`,
    })
  }
}

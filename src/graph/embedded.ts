import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import grafeo, { type GrafeoDB } from '@grafeo-db/js'
import { AuthError } from '../error.ts'
import type { Engine, Parameters, Row } from './engine.ts'

/** Opens the graph in a folder, which one process at a time can own. Throws when it cannot. */
export async function openEmbedded(directory: string): Promise<Engine> {
  const graph = await openIn(directory)
  const running = new Set<Promise<unknown>>()
  let lane: Promise<unknown> = Promise.resolve()
  let closed = false

  function run(statement: string, parameters: Parameters = {}): Promise<Row[]> {
    if (closed) throw new AuthError('service_unavailable', { detail: 'The service is stopping.' })
    return track(graph.executeCypher(statement, parameters).then((result) => result.toArray()))
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
    async close() {
      if (closed) return
      await Promise.allSettled(running)
      closed = true
      graph.close()
    },
  }
}

async function openIn(directory: string): Promise<GrafeoDB> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return grafeo.GrafeoDB.create(join(directory, 'graph.grafeo'))
  } catch (cause) {
    const { message } = cause as Error
    const why = message.includes('cannot be locked')
      ? 'another process has it open; stop that one'
      : message.includes('cannot open')
        ? `${message}; it may be damaged: restore a backup`
        : `${message}; make it a folder that can be written`
    throw new Error(`cannot open the graph in ${directory}: ${why}, or set DATA_DIR to another`, {
      cause,
    })
  }
}

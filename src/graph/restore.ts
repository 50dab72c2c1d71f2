import { existsSync } from 'node:fs'
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AuthError } from '../error.ts'
import { openBackup, sync } from './backup.ts'
import { GRAPH_FILE, graphFiles, holdEmbedded, RESTORING, temporaryFolder } from './embedded.ts'
import type { Engine } from './engine.ts'
import { integer } from './row.ts'

interface Restoring {
  /** The backup. */
  file: string
  /** The folder of the graph that is to be replaced. */
  directory: string
  /** Makes what is restored fit to be served; nothing is moved unless it resolves. */
  prepare(engine: Engine): Promise<void>
  /** The time in ms, by which the old graph's new folder is named. */
  now: number
}

/**
 * Replaces the graph of a folder by a backup and gives the folder inside it that the old one is in now.
 * Whoever opens the graph finds the old one, the new one, or, if this is cut off between the two, is
 * refused until it was repeated. Throws request_is_invalid while a process has the graph open, and for a
 * file that cannot be restored: then nothing has changed.
 */
export async function restoreBackup(restoring: Restoring): Promise<string> {
  const { file, directory, prepare, now } = restoring
  await mkdir(directory, { recursive: true, mode: 0o700 })
  // Told at once, before the file is read.
  holdEmbedded(directory)()
  const folder = await temporaryFolder(directory, 'restore-')
  try {
    const engine = await openBackup(file, folder)
    try {
      await requirePast(engine, now)
      await prepare(engine)
    } finally {
      await engine.close()
    }
    const made = await graphFiles(folder)
    if (made.join() !== GRAPH_FILE) throw new Error(`the graph closed as ${made.join(' and ')}`)
    await sync(join(folder, GRAPH_FILE))
    return await replace(directory, join(folder, GRAPH_FILE), join(directory, asideOf(now)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

// By a clock that lags, sessions in the backup would be taken for newer than the restore, and live.
async function requirePast(engine: Engine, now: number): Promise<void> {
  const [row] = await engine.read(
    `CALL { MATCH (session:Session) RETURN max(session.createdAt) AS opened }
     CALL { MATCH (entry:BlacklistEntry) RETURN max(entry.at) AS ended }
     RETURN coalesce(opened, 0) AS opened, coalesce(ended, 0) AS ended`,
  )
  const newest = row ? Math.max(integer(row, 'opened'), integer(row, 'ended')) : 0
  if (newest <= now) return
  throw new AuthError('request_is_invalid', {
    detail: `The backup is of ${new Date(newest).toISOString()}, which this clock has not reached: set it.`,
  })
}

function asideOf(now: number): string {
  return `replaced-${new Date(now).toISOString().replaceAll(':', '-')}`
}

// The old graph's file and the log beside it cannot be moved in one step: while the marker stands, nobody
// opens what there is.
async function replace(directory: string, made: string, aside: string): Promise<string> {
  const marker = join(directory, RESTORING)
  const isRepeated = existsSync(marker)
  await writeFile(marker, '', { mode: 0o600 })
  await sync(directory)
  let release: () => void
  try {
    release = holdEmbedded(directory)
  } catch (error) {
    if (!isRepeated) await rm(marker)
    throw error
  }
  try {
    await mkdir(aside, { mode: 0o700 })
    for (const name of await graphFiles(directory)) {
      await rename(join(directory, name), join(aside, name))
    }
    await link(made, join(directory, GRAPH_FILE))
  } finally {
    release()
  }
  await sync(directory)
  await rm(marker)
  await sync(directory)
  return aside
}

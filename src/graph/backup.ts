import { chmod, copyFile, link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AuthError } from '../error.ts'
import type { GraphStatus } from '../operator.ts'
import { GRAPH_FILE, openEmbedded, packEmbedded } from './embedded.ts'
import type { Engine } from './engine.ts'
import { createOverview } from './overview.ts'
import { checkSchema } from './schema.ts'

/** A backup, and what the graph in it holds. */
export interface Backup {
  file: string
  bytes: number
  holds: GraphStatus
}

/**
 * Makes a file, for its owner alone, of a copied graph. It is opened and read before it gets its name, and
 * gets that whole or not at all. Throws request_is_invalid where there is such a file already, unless it
 * is to be replaced.
 */
export async function writeBackup(
  copy: string,
  file: string,
  isReplacing: boolean,
): Promise<Backup> {
  const made = `${file}.tmp`
  if (!isReplacing && (await isThere(file))) throw alreadyThere(file)
  const folder = join(copy, 'packed')
  const packed = join(folder, GRAPH_FILE)
  await mkdir(folder)
  await packEmbedded(copy, packed)
  const holds = await readThrough(folder)
  try {
    await copyFile(packed, made)
    await chmod(made, 0o600)
    await sync(made)
    // A link, unlike a renaming, never replaces what has come meanwhile.
    if (isReplacing) await rename(made, file)
    else await link(made, file)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? alreadyThere(file) : error
  } finally {
    await rm(made, { force: true })
  }
  await sync(dirname(file))
  return { file, bytes: (await stat(file)).size, holds }
}

async function readThrough(folder: string): Promise<GraphStatus> {
  const engine = await openEmbedded(folder)
  try {
    return await createOverview(engine).graph()
  } finally {
    await engine.close()
  }
}

/**
 * Opens a copy of a backup in a folder. Throws request_is_invalid for what is none, is damaged, or was
 * written by a newer program.
 */
export async function openBackup(file: string, folder: string): Promise<Engine> {
  function refusal(cause: unknown): AuthError {
    return new AuthError('request_is_invalid', {
      detail: `${file} cannot be restored: give a whole file that "sessiongraph backup" has made.`,
      cause,
    })
  }
  const copied = join(folder, GRAPH_FILE)
  try {
    await copyFile(file, copied)
    await chmod(copied, 0o600)
  } catch (cause) {
    throw refusal(cause)
  }
  const engine = await openEmbedded(folder).catch((error: Error) => {
    throw refusal(error.cause ?? error)
  })
  try {
    await checkSchema(engine)
    return engine
  } catch (cause) {
    await engine.close()
    throw refusal(cause instanceof AuthError ? new Error('it holds no graph of ours') : cause)
  }
}

function alreadyThere(file: string): AuthError {
  return new AuthError('request_is_invalid', {
    detail: `${file} is there already: name another file, or replace it with --force.`,
  })
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Resolves once a file, or the names in a folder, are on the disk. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

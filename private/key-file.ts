import { readFileSync, statSync } from 'node:fs'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type KeyFile, type KeySet, KeySetError, parseKeySet } from '../src/key-set.ts'
import { isOpenToOthers } from './secret-file.ts'

const NAME = 'JWT_KEYS_FILE'

/** Reads the private JWKS of a path. Throws a KeySetError whose lines name the setting. */
export function readKeyFile(path: string): KeySet {
  return named(() => parseKeySet(textOf(path)))
}

/** The key file of a path, for those who edit it. Every call throws a KeySetError if the path is empty. */
export function keyFileAt(path: string): KeyFile {
  function requirePath(): string {
    if (path !== '') return path
    throw new KeySetError([`${NAME} must name the file of the keys`])
  }
  return {
    read: () => readKeyFile(requirePath()),
    async create(text) {
      const target = requirePath()
      if (statSync(target, { throwIfNoEntry: false })) {
        throw new KeySetError([`${NAME} names a file that is there: it is not overwritten`])
      }
      return replace(target, () => text)
    },
    async edit(change) {
      // Through a link, so that the link stays one.
      const given = requirePath()
      const target = await realpath(given).catch(() => given)
      return replace(target, () => named(() => change(textOf(target))))
    },
  }
}

function textOf(path: string): string {
  let isFile: boolean
  let isOpen: boolean
  let text: string
  try {
    isFile = statSync(path).isFile()
    isOpen = isOpenToOthers(path)
    // To open a pipe would wait for its writer.
    text = isFile ? readFileSync(path, 'utf8') : ''
  } catch (error) {
    return refuseUnreadable(error as NodeJS.ErrnoException)
  }
  if (!isFile) throw new KeySetError(['must name a file'])
  if (isOpen) {
    throw new KeySetError(['must name a file that only its owner can read: chmod 600'])
  }
  return text
}

function refuseUnreadable({ code }: NodeJS.ErrnoException): never {
  throw new KeySetError([`must name a file that can be read (${code})`])
}

function named<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof KeySetError)) throw error
    throw new KeySetError(error.mistakes.map((line) => `${NAME}: ${line}`))
  }
}

/**
 * Writes what `make` gives in a file's place: a reader sees the old text or the new one, whole, and a
 * crash leaves one of them. The new file is at first beside it, where one editor at a time can make it.
 */
async function replace(path: string, make: () => string): Promise<KeySet> {
  const beside = `${path}.new`
  const file = await open(beside, 'wx', 0o600).catch(({ code }: NodeJS.ErrnoException) => {
    const why =
      code === 'EEXIST'
        ? `${beside} is there: another command edits the keys, or died; if none runs, remove it`
        : `${beside} must be a file that can be made (${code})`
    throw new KeySetError([`${NAME}: ${why}`])
  })
  try {
    const text = make()
    await file.chmod(0o600)
    await keepOwner(file, path)
    await file.writeFile(text)
    await file.sync()
    await rename(beside, path)
    await syncFolder(dirname(path))
    return parseKeySet(text)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

// Edited by root, it must stay readable to the service.
async function keepOwner(file: FileHandle, path: string): Promise<void> {
  const [before, after] = [await stat(path).catch(() => undefined), await file.stat()]
  if (!before || (before.uid === after.uid && before.gid === after.gid)) return
  await file.chown(before.uid, before.gid)
}

// Where a folder cannot be synced, the rename is as durable as that system makes it.
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => undefined)
  await folder?.sync().catch(() => undefined)
  await folder?.close()
}

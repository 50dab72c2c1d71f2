import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { platform } from 'node:os'
import { resolve } from 'node:path'

/**
 * Whether others than its owner may read a file of a secret. A file of root's may be read by its group,
 * since there is no other way to give it to a service. Container engines mount secrets readable by all,
 * in /run/secrets or read-only, where nobody else is: those count as closed.
 */
export function isOpenToOthers(path: string): boolean {
  if (platform() === 'win32' || resolve(path).startsWith('/run/secrets/')) return false
  const { mode, uid } = statSync(path)
  return (mode & (uid === 0 ? 0o037 : 0o077)) !== 0 && !isOnReadOnlyMount(path)
}

/** The text of a file, less one newline at its end. Throws as node:fs does. */
export function readSecretFile(path: string): string {
  return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
}

function isOnReadOnlyMount(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS'
  }
}

import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import { readKeyFile } from '../private/key-file.ts'
import { KeySetError } from '../src/key-set.ts'
import type { ReplaceableKeyRing } from '../src/keys.ts'
import type { LivePaths } from '../src/service/live-paths.ts'

/** How long between two looks at the file; a retired key is gone this much later. */
const LOOK_MS = 500

interface FollowingKeys {
  /** Empty where there is no key file. */
  path: string
  ring: ReplaceableKeyRing
  paths: Pick<LivePaths, 'dropChecked'>
  log: Logger
}

/**
 * Has a ring take over what its key file says, twice a second. What cannot be used is told once, and the
 * keys before stay in force.
 */
export function followKeys({ path, ring, paths, log }: FollowingKeys): { stop(): void } {
  let isStopped = path === ''
  let timer: NodeJS.Timeout | undefined
  let seen: string | undefined

  async function look(): Promise<void> {
    // Asked for beside the event loop, which a file system that hangs must not hold up.
    const stamp = await stampOf(path)
    if (isStopped || stamp === seen) return
    seen = stamp
    try {
      take()
    } catch (error) {
      const reason = error instanceof KeySetError ? error.mistakes.join('; ') : String(error)
      log.error({ reason }, 'the key file cannot be used: the keys before stay in force')
    }
  }

  function take(): void {
    const { isChanged, gone } = ring.replace(readKeyFile(path).keys)
    // In the same turn of the event loop, so that no retired token is answered from memory after it.
    if (gone.length > 0) paths.dropChecked()
    if (!isChanged) return
    const kids = ring.all.map(({ kid }) => kid)
    log.info({ current: ring.current.kid, kids, gone }, 'the keys were replaced')
  }

  function schedule(): void {
    if (isStopped) return
    timer = setTimeout(() => void look().finally(schedule), LOOK_MS).unref()
  }
  schedule()

  return {
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

/** Tells one state of a file from another without reading it: a rename, an edit, a mode. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mode, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, size, mode, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}

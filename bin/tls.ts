import type { Server as SecureServer } from 'node:https'
import type { Logger } from 'pino'
import { type Config, ConfigError } from '../private/config.ts'
import { readTls, stampOfTls } from '../private/tls.ts'

const LOOK_MS = 1_000

/**
 * Has a server take over certificates that are replaced while it serves: at most a few seconds after the
 * last of the files was written. What cannot be used is told once, and what was in force stays.
 */
export function followTls(config: Config, server: SecureServer, log: Logger): () => void {
  let inForce = stampOfTls(config)
  let last = inForce
  const timer = setInterval(() => {
    const stamp = stampOfTls(config)
    // Files that belong together are written one after the other: what still changes is left alone.
    const isSettled = stamp === last
    last = stamp
    if (!isSettled || stamp === inForce) return
    inForce = stamp
    try {
      const tls = readTls(config)
      if (tls) server.setSecureContext(tls)
      log.info('the certificates were replaced')
    } catch (error) {
      const reason = error instanceof ConfigError ? error.mistakes.join('; ') : String(error)
      log.error({ reason }, 'the new certificates cannot be used: those before stay in force')
    }
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}

import type { Logger } from 'pino'
import { asksCallers, type Config } from '../private/config.ts'
import { AuthError } from '../src/error.ts'
import { pause } from '../src/pause.ts'
import type { Store } from '../src/store.ts'

const RETRY_MS = 500

/** Says once, as soon as the graph can tell, what keeps every backend out or lets everyone in. */
export async function warnAboutCallers(
  config: Config,
  { callers }: Pick<Store, 'callers'>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  if (!asksCallers(config)) {
    if (!isLoopback(config)) {
      log.warn(`CALLER_AUTH=off: whoever reaches ${config.host} may do everything`)
    }
    return
  }
  while (!signal.aborted) {
    try {
      const all = await callers.list()
      if (all.some(({ status }) => status === 'active')) return
      log.warn(
        'no caller is known yet: add one with "sessiongraph caller add NAME --scopes verify,sessions,users"',
      )
      return
    } catch (error) {
      if (!(error instanceof AuthError))
        return log.error({ err: error }, 'the callers cannot be read')
      await pause(RETRY_MS, signal)
    }
  }
}

function isLoopback(config: Config): boolean {
  return !asksCallers({ ...config, callerAuth: 'auto' })
}

import { AuthError } from '../error.ts'
import type { NewId } from '../id.ts'
import { pause } from '../pause.ts'
import type { Engine } from './engine.ts'
import { prepareSchema } from './schema.ts'

interface Preparing {
  newId: NewId
  /** How long to wait between two tries, in ms. */
  retryMs: number
  /** Told why it cannot be prepared for now, each time the reason is another. */
  onWait(error: AuthError): void
}

/**
 * The engine, once its schema is prepared: until then each call throws service_unavailable with the
 * reason. Tries again while the graph cannot be used. `ready` rejects with what waiting cannot mend,
 * such as a newer schema.
 */
export function prepared(
  engine: Engine,
  { newId, retryMs, onWait }: Preparing,
): { engine: Engine; ready: Promise<void> } {
  let isReady = false
  let reason = new Error('the graph is being prepared: wait a moment')
  const closing = new AbortController()

  async function prepare(): Promise<void> {
    while (!isReady && !closing.signal.aborted) {
      try {
        await prepareSchema(engine, newId)
        isReady = true
      } catch (error) {
        if (!(error instanceof AuthError)) throw error
        const cause = error.cause instanceof Error ? error.cause : error
        if (cause.message !== reason.message) onWait(error)
        reason = cause
        await pause(retryMs, closing.signal)
      }
    }
  }

  function requireReady(): void {
    if (isReady) return
    throw new AuthError('service_unavailable', { cause: reason })
  }

  return {
    ready: prepare(),
    engine: {
      ...engine,
      async read(statement, parameters) {
        requireReady()
        return engine.read(statement, parameters)
      },
      async write(statement, parameters) {
        requireReady()
        return engine.write(statement, parameters)
      },
      close() {
        closing.abort()
        return engine.close()
      },
    },
  }
}

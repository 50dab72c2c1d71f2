import { AuthError } from '../error.ts'
import type { NewId } from '../id.ts'
import type { Engine } from './engine.ts'
import { prepareSchema } from './schema.ts'

interface Preparing {
  newId: NewId
  /** How long to wait between two tries, in ms. */
  retryMs: number
  /** Told of each try that failed for now. */
  onWait(error: AuthError): void
}

/**
 * The engine, once its schema is prepared: until then each call throws service_unavailable. Tries again
 * while the graph cannot be reached. `ready` rejects with what waiting cannot mend, such as a newer
 * schema.
 */
export function prepared(
  engine: Engine,
  { newId, retryMs, onWait }: Preparing,
): { engine: Engine; ready: Promise<void> } {
  let isReady = false
  const closing = new AbortController()

  async function prepare(): Promise<void> {
    while (!isReady && !closing.signal.aborted) {
      try {
        await prepareSchema(engine, newId)
        isReady = true
      } catch (error) {
        if (!(error instanceof AuthError)) throw error
        onWait(error)
        await pause(retryMs, closing.signal)
      }
    }
  }

  function requireReady(): void {
    if (isReady) return
    throw new AuthError('service_unavailable', { detail: 'The graph has not been reached yet.' })
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

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

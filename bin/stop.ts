import type { Server } from 'node:http'

// npm on a terminal hands Ctrl-C on to a process that the terminal told already: that is one signal.
const SAME_SIGNAL_MS = 500

/** Calls back at the first SIGTERM or SIGINT; a second one, later, ends the process at once. */
export function onStopSignal(process: NodeJS.Process, stop: () => void): void {
  let first: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (first === undefined) {
        first = performance.now()
        stop()
      } else if (performance.now() - first > SAME_SIGNAL_MS) {
        process.exit(signal === 'SIGINT' ? 130 : 143)
      }
    })
  }
}

/**
 * Stops accepting, lets what runs finish, and resolves when the last connection is closed: true, or
 * false if some had to be cut off after `ms`.
 */
export function drain(server: Server, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.closeAllConnections()
      resolve(false)
    }, ms)
    server.close(() => {
      clearTimeout(timer)
      resolve(true)
    })
    // A connection kept alive is closed after its answer.
    server.prependListener('request', (_, response) => response.setHeader('Connection', 'close'))
    server.closeIdleConnections()
  })
}

import type { Server, ServerResponse } from 'node:http'
import { Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'

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
        // process.exit would wait for the hashes that run: the signal itself does not.
        process.removeAllListeners(signal)
        process.kill(process.pid, signal)
        // The first process of a container has no default for its own signal.
        process.exit(signal === 'SIGINT' ? 130 : 143)
      }
    })
  }
}

/** Stops accepting and finishes what runs: true, or false if some was cut off after `ms`. */
export type Drain = (ms: number) => Promise<boolean>

/** Follows a server's connections, so that it can be drained. */
export function createDrain(server: Server): Drain {
  const connections = new Set<Socket>()
  const running = new Set<ServerResponse>()
  let isDraining = false

  // Requests over TLS name the encrypted socket; who has not got that far is cut by the server's limits.
  const event = server instanceof SecureServer ? 'secureConnection' : 'connection'
  server.on(event, (socket: Socket) => {
    // A handshake may have been under way when the draining began.
    if (isDraining) return void socket.destroy()
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  server.prependListener('request', (_, response) => {
    running.add(response)
    if (isDraining) response.setHeader('Connection', 'close')
    response.on('close', leave)
  })

  // One function for all: every verify passes here.
  function leave(this: ServerResponse): void {
    running.delete(this)
    const { socket } = this.req
    if (isDraining && !running.values().some(({ req }) => req.socket === socket)) socket.end()
  }

  return (ms) =>
    new Promise((resolve) => {
      isDraining = true
      const timer = setTimeout(() => {
        resolve(false)
        server.closeAllConnections()
      }, ms)
      server.close(() => {
        clearTimeout(timer)
        resolve(true)
      })
      const busy = new Set(running.values().map(({ req }) => req.socket))
      for (const socket of connections.difference(busy)) socket.destroy()
      for (const response of running) {
        if (!response.headersSent) response.setHeader('Connection', 'close')
      }
    })
}

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** An answer as far as it matters here. */
export interface Answer {
  status: number
  body: string
}

/** One keep-alive connection with one request in flight: less work a request than any HTTP client. */
export interface Connection {
  /** Rejects when the connection is lost before the answer is there. */
  send(request: string): Promise<Answer>
  close(): void
}

// Servers end a connection that was idle for 5 s, perhaps just when the next request is on its way.
const IDLE_MS = 4_000

/** Connects, and anew when the connection was idle for long or lost. */
export async function openConnection(host: string, port: number): Promise<Connection> {
  let socket: Socket = open()
  let buffered = ''
  let usedAt = performance.now()
  let waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined
  await once(socket, 'connect')

  function open(): Socket {
    const opened = connect({ host, port, noDelay: true }).setEncoding('latin1')
    opened.on('data', hear)
    opened.on('error', () => undefined)
    opened.once('close', () => {
      if (opened === socket) fail('the connection was closed')
    })
    return opened
  }

  function hear(chunk: string): void {
    buffered += chunk
    const head = buffered.indexOf('\r\n\r\n')
    if (head === -1) return
    const [, length] = /\r\ncontent-length: *(\d+)/i.exec(buffered.slice(0, head + 2)) ?? []
    if (length === undefined) {
      fail(`an answer without a length: ${buffered.slice(0, head)}`)
      return
    }
    const end = head + 4 + Number(length)
    if (buffered.length < end) return
    const answer = { status: Number(buffered.slice(9, 12)), body: buffered.slice(head + 4, end) }
    buffered = buffered.slice(end)
    waiting?.resolve(answer)
    waiting = undefined
  }

  function fail(reason: string): void {
    waiting?.reject(new Error(reason))
    waiting = undefined
    socket.destroy()
  }

  return {
    send(request) {
      const now = performance.now()
      if (socket.destroyed || now - usedAt > IDLE_MS) {
        const old = socket
        socket = open()
        buffered = ''
        old.destroy()
      }
      usedAt = now
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(request, 'latin1')
      })
    },
    close: () => socket.destroy(),
  }
}

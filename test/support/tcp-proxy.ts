import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'

/** Bolt's message COMMIT (0x12) as it is sent: the end of a transaction of more than one statement. */
export const COMMIT = '\x00\x02\xb0\x12\x00\x00'

/** As the client sees it: `up` goes to the server, `down` comes from it. */
type Direction = 'up' | 'down'

/** A way to a Bolt server that can be made bad, and good again. */
export interface TcpProxy {
  port: number
  /** How many connections go through it now. */
  connections(): number
  /** Resets all connections, and every new one. */
  cut(): void
  /** Resets all connections and listens no more. */
  refuse(): Promise<void>
  /**
   * Passes nothing on, one way or both, and resets nothing. New connections are accepted. One that
   * wanted to say something meanwhile stays dead when the rest is healed.
   */
  silence(direction: Direction | 'both'): void
  /** Answers so much later; half of it on the way up. */
  delay(ms: number): void
  /**
   * Lets the next request that contains one of the texts through, and drops the server's whole answer,
   * so that it was done; the connection is then cut, or dead. Resolves when that has happened.
   */
  swallowReply(text: string | readonly string[], end?: 'cut' | 'silence'): Promise<void>
  /** Makes all good again, a reply that was still to be swallowed included. */
  heal(): Promise<void>
  close(): Promise<void>
}

interface Pair {
  client: Socket
  server: Socket
  isDead: boolean
}

interface Trap {
  texts: readonly string[]
  spring(pair: Pair): void
}

/** Starts on a free port of 127.0.0.1; the target is a URI such as `bolt://127.0.0.1:7687`. */
export async function createProxy(target: string): Promise<TcpProxy> {
  const { hostname, port: targetPort } = new URL(target)
  const pairs = new Set<Pair>()
  let isCut = false
  let silent: Direction | 'both' | undefined
  let delayMs = 0
  let trap: Trap | undefined

  const listener = createServer((client) => {
    if (isCut) return client.resetAndDestroy()
    const pair = { client, server: connect(Number(targetPort), hostname), isDead: false }
    pairs.add(pair)
    pass(pair, 'up')
    pass(pair, 'down')
  })

  function pass(pair: Pair, direction: Direction): void {
    const { client, server } = pair
    const [from, to] = direction === 'up' ? [client, server] : [server, client]
    let order = Promise.resolve()
    from.setNoDelay(true)
    from.on('error', () => undefined)
    from.on('close', () => order.then(() => (direction === 'up' || !pair.isDead) && end(pair)))
    from.on('data', (chunk) => {
      if (silent === 'both' || silent === direction) pair.isDead = true
      const found = direction === 'up' && !pair.isDead && trap?.texts.find(isIn(chunk))
      if (found && trap) {
        const { spring } = trap
        trap = undefined
        // From here on nothing comes back.
        server.removeAllListeners('data').on(
          'data',
          summaries(found === COMMIT ? 1 : 2, () => spring(pair)),
        )
      }
      const due = delayMs === 0 ? undefined : after(delayMs / 2)
      order = order.then(() => due).then(() => void (pair.isDead || to.write(chunk)))
    })
  }

  function end(pair: Pair): void {
    pairs.delete(pair)
    pair.server.destroy()
    if (!pair.client.destroyed) pair.client.resetAndDestroy()
  }

  function cut(): void {
    isCut = true
    for (const pair of pairs) end(pair)
  }

  async function listen(port: number): Promise<number> {
    await once(listener.listen(port, '127.0.0.1'), 'listening')
    return (listener.address() as AddressInfo).port
  }

  async function refuse(): Promise<void> {
    cut()
    if (listener.listening) await once(listener.close(), 'close')
  }

  const port = await listen(0)
  return {
    port,
    connections: () => pairs.size,
    cut,
    refuse,
    silence(direction) {
      silent = direction
    },
    delay(ms) {
      delayMs = ms
    },
    swallowReply(text, how = 'cut') {
      return new Promise((resolve) => {
        function spring(pair: Pair): void {
          if (how === 'cut') end(pair)
          else pair.isDead = true
          resolve()
        }
        trap = { texts: [text].flat(), spring }
      })
    },
    async heal() {
      isCut = false
      silent = undefined
      delayMs = 0
      trap = undefined
      if (!listener.listening) await listen(port)
    },
    close: refuse,
  }
}

function isIn(chunk: Buffer): (text: string) => boolean {
  return (text) => chunk.includes(text, 0, 'latin1')
}

/**
 * Reads Bolt messages and calls back after so many that end an answer (success or failure): a statement
 * gives two, for RUN and for PULL, and has been committed at the second.
 */
function summaries(count: number, enough: () => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  let left = count
  let isStart = true
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE()) {
      const length = rest.readUInt16BE()
      // 0x71 is a record; 0x70, 0x7e and 0x7f end an answer.
      if (isStart && length >= 2 && rest.readUInt8(3) !== 0x71) left -= 1
      isStart = length === 0
      rest = rest.subarray(2 + length)
      if (left === 0) {
        left = -1
        enough()
      }
    }
  }
}

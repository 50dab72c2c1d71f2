import { once } from 'node:events'
import { connect, isIP } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { failure } from './neo4j-failure.ts'

/** Where a Bolt server listens. */
export interface BoltAddress {
  host: string
  port: number
  secure: boolean
}

/** The address in a URI such as `neo4j+s://db.example:7687`; whatever else it holds is left out. */
export function addressOf(uri: string): BoltAddress {
  const { protocol, hostname, port } = new URL(uri)
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 7687 : Number(port),
    secure: protocol.includes('+s'),
  }
}

// The offer of a Bolt handshake: 5.0 to 5.8, 4.2 to 4.4 and 3, newest first.
const OFFER = Buffer.from('6060b017' + '00080805' + '00020404' + '00000003' + '00000000', 'hex')

/**
 * Shakes hands and hangs up: gives the major Bolt version that the server picked, 0 for none of 3 to 5.
 * The driver would hold a connection to a silent peer for as long as it stays silent. Throws a system
 * error, or one with the code SILENT, CLOSED or NOT_BOLT.
 */
export async function greet({ host, port, secure }: BoltAddress, ms: number): Promise<number> {
  const silence = AbortSignal.timeout(ms)
  const socket = secure
    ? // Whether its certificate is good is the driver's to say.
      connectSecurely({
        host,
        port,
        rejectUnauthorized: false,
        ...(!isIP(host) && { servername: host }),
      })
    : connect({ host, port })
  try {
    socket.write(OFFER)
    const closed = once(socket, 'close', { signal: silence }).then(() => {
      throw failure('CLOSED')
    })
    closed.catch(() => undefined)
    const [answer] = (await Promise.race([once(socket, 'data', { signal: silence }), closed])) as [
      Buffer,
    ]
    if (answer.length < 4 || answer.toString('latin1', 0, 2) !== '\0\0') throw failure('NOT_BOLT')
    return answer.readUInt8(3)
  } catch (error) {
    throw silence.aborted ? failure('SILENT') : error
  } finally {
    socket.on('error', () => undefined)
    socket.destroy()
  }
}

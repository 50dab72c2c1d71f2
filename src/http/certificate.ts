import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** What a client has shown as its certificate: nothing, one that proves nothing, or a name. */
export type Shown = 'none' | 'bad' | { name: string }

interface Seen {
  shown: Shown
  /** When the certificate expires, in ms; a connection may outlive it. */
  until: number
}

const seen = new WeakMap<Socket, Seen>()

/** The CN of the certificate that the client of a connection has proved to hold. */
export function certificateOf(socket: Socket): Shown {
  if (!(socket instanceof TLSSocket)) return 'none'
  let known = seen.get(socket)
  if (known === undefined) {
    known = look(socket)
    seen.set(socket, known)
  }
  return known.until > Date.now() ? known.shown : 'bad'
}

function look(socket: TLSSocket): Seen {
  const certificate = socket.getPeerCertificate()
  const name: unknown = certificate?.subject?.CN
  if (!certificate?.raw) return { shown: 'none', until: Number.POSITIVE_INFINITY }
  // Of two CNs neither counts.
  if (!socket.authorized || typeof name !== 'string') return { shown: 'bad', until: 0 }
  return { shown: { name }, until: Date.parse(certificate.valid_to) }
}

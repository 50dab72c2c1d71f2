import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { AuthError, type Code } from '../error.ts'
import { problemHeaders, problemOf } from './failure.ts'
import { allowed } from './routes.ts'

const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 8_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
}

/**
 * An HTTP server that cuts off whoever sends too slowly, and answers what Node cannot parse; with `tls`
 * over TLS. Where that names an authority, clients are asked for a certificate and may come without one:
 * a key proves as much, and what a certificate proves is looked at for each request.
 */
export function createHttpServer(listener: RequestListener, tls?: SecureContextOptions): Server {
  const server = tls
    ? createSecureServer(
        {
          ...LIMITS,
          ...tls,
          handshakeTimeout: 5_000,
          requestCert: tls.ca !== undefined,
          rejectUnauthorized: false,
        },
        listener,
      )
    : createServer(LIMITS, listener)
  // Node answers CONNECT with nothing unless somebody listens.
  server.on('connect', ({ url = '' }, socket) => {
    socket.end(refusalOf(url.replace(/\?.*$/, '')))
  })
  server.on('clientError', (error: ParserError, socket: Socket) => {
    // Whoever failed at TLS or is gone cannot be answered: waiting for that would hold up a stop.
    const isHttp = /^HPE_|^ERR_HTTP_/.test(error.code ?? '')
    if (!isHttp || !socket.writable) socket.destroy()
    else socket.end(answerTo(error))
  })
  return server
}

interface ParserError extends NodeJS.ErrnoException {
  rawPacket?: Buffer
}

interface Answer {
  code: Code
  status?: number
  headers?: Record<string, string>
}

// Node refuses a method that it does not know before any request exists.
function answerTo({ code, rawPacket }: ParserError): string {
  if (code === 'HPE_HEADER_OVERFLOW')
    return rawAnswer({ code: 'request_is_too_large', status: 431 })
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return rawAnswer({ code: 'request_is_invalid', status: 408 })
  if (code !== 'HPE_INVALID_METHOD') return rawAnswer({ code: 'request_is_invalid' })
  const line = rawPacket?.toString('latin1').split('\r\n', 1)[0] ?? ''
  const [, path] =
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ ([^ ?]*)(?:\?[^ ]*)? HTTP\/1\.[01]$/.exec(line) ?? []
  if (path === undefined) return rawAnswer({ code: 'request_is_invalid' })
  return refusalOf(path)
}

function refusalOf(path: string): string {
  const methods = allowed(path)
  if (methods === undefined) return rawAnswer({ code: 'not_found' })
  return rawAnswer({ code: 'method_not_allowed', headers: { Allow: methods } })
}

function rawAnswer({ code, status: other, headers }: Answer): string {
  const failure = new AuthError(code)
  const status = other ?? failure.status
  const body = JSON.stringify({ ...problemOf(failure), status })
  const lines = Object.entries({
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
    ...problemHeaders(failure),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}

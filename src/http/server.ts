import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  STATUS_CODES,
} from 'node:http'
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
  // Refused below, with the same members as every refusal.
  requireHostHeader: false,
}

const MOST_HEADERS = 200

interface Options {
  /** Serves over TLS with these. */
  tls?: SecureContextOptions
  /** How many connections may be open; more are closed as soon as they come. */
  maxConnections?: number
  /** Told of what is refused before it is a request that the listener could answer. */
  onRefused?(code: Code, status: number, socket: Socket): void
}

/**
 * An HTTP server that cuts off whoever sends or reads too slowly, and answers what Node cannot parse; with
 * `tls` over TLS. Where that names an authority, clients are asked for a certificate and may come without
 * one: a key proves as much, and what a certificate proves is looked at for each request.
 */
export function createHttpServer(listener: RequestListener, options: Options = {}): Server {
  const { tls, maxConnections, onRefused = () => undefined } = options
  // What follows the head of a request that was refused may be broken, too: that is not said again.
  const told = new WeakSet<Socket>()

  function answer(request: IncomingMessage, response: Parameters<RequestListener>[1]): void {
    const refusal = refusalOfForm(request)
    if (refusal === undefined) {
      listener(request, response)
      return
    }
    const { status, headers, body } = answerOf(refusal)
    told.add(request.socket)
    onRefused(refusal.code, status, request.socket)
    response.writeHead(status, headers).end(body)
  }

  const server = tls
    ? createSecureServer(
        {
          ...LIMITS,
          ...tls,
          handshakeTimeout: 5_000,
          requestCert: tls.ca !== undefined,
          rejectUnauthorized: false,
        },
        answer,
      )
    : createServer(LIMITS, answer)
  // Node would leave out headers past a number, silently; they are counted below instead.
  server.maxHeadersCount = 0
  // Nothing sent and nothing read while a request is under way: every answer is there within 3 s.
  server.timeout = 10_000
  if (maxConnections !== undefined) server.maxConnections = maxConnections
  // What a client expects of a server beside 100-continue is not looked at (RFC 9110 §10.1.1).
  server.on('checkExpectation', answer)
  // Node answers CONNECT with nothing unless somebody listens.
  server.on('connect', ({ url = '' }, socket) => {
    end(socket as Socket, refusalOf(url.replace(/\?.*$/, '')))
  })
  server.on('clientError', (error: ParserError, socket: Socket) => {
    // Whoever failed at TLS or is gone cannot be answered: waiting for that would hold up a stop.
    const isHttp = /^HPE_|^ERR_HTTP_/.test(error.code ?? '')
    if (!isHttp || !socket.writable) socket.destroy()
    else if (told.has(socket)) socket.end()
    else end(socket, refusalOfError(error))
  })

  function end(socket: Socket, refusal: Refusal): void {
    const { status, headers, body } = answerOf(refusal)
    onRefused(refusal.code, status, socket)
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
  }

  return server
}

interface ParserError extends NodeJS.ErrnoException {
  rawPacket?: Buffer
}

interface Refusal {
  code: Code
  status?: number
  headers?: Record<string, string>
}

// What two servers in a row could read differently (RFC 9112 §3.2, §6.1), and what only costs.
function refusalOfForm(request: IncomingMessage): Refusal | undefined {
  const { rawHeaders, headers, httpVersionMinor } = request
  if (rawHeaders.length > 2 * MOST_HEADERS) return { code: 'request_is_too_large', status: 431 }
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  const encoding = headers['transfer-encoding']
  const isClear = encoding === undefined || (httpVersionMinor > 0 && /^chunked$/i.test(encoding))
  if (isClear && (hosts === 1 || (hosts === 0 && httpVersionMinor === 0))) return undefined
  return { code: 'request_is_invalid' }
}

// Node refuses a method that it does not know before any request exists.
function refusalOfError({ code, rawPacket }: ParserError): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') return { code: 'request_is_too_large', status: 431 }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { code: 'request_is_invalid', status: 408 }
  if (code !== 'HPE_INVALID_METHOD') return { code: 'request_is_invalid' }
  const line = rawPacket?.toString('latin1').split('\r\n', 1)[0] ?? ''
  const [, path] =
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ ([^ ?]*)(?:\?[^ ]*)? HTTP\/1\.[01]$/.exec(line) ?? []
  return path === undefined ? { code: 'request_is_invalid' } : refusalOf(path)
}

function refusalOf(path: string): Refusal {
  const methods = allowed(path)
  if (methods === undefined) return { code: 'not_found' }
  return { code: 'method_not_allowed', headers: { Allow: methods } }
}

function answerOf({ code, status: other, headers }: Refusal) {
  const failure = new AuthError(code)
  const status = other ?? failure.status
  const body = JSON.stringify({ ...problemOf(failure), status })
  return {
    status,
    body,
    headers: {
      'Content-Type': 'application/problem+json; charset=utf-8',
      'Content-Length': String(Buffer.byteLength(body)),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      Connection: 'close',
      ...problemHeaders(failure),
      ...headers,
    },
  }
}

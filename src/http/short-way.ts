import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Recall, Verified } from '../auth.ts'
import type { Caller } from '../caller.ts'
import type { Door } from './door.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { RequestIds } from './request-id.ts'

interface Parts {
  /** Where callers have to say who they are. */
  door?: Pick<Door, 'recall'> | undefined
  recall: Recall
  /** Asks the graph about a token that memory has not seen; undefined where memory is not enough. */
  firstSight(token: string, within?: string): Promise<Verified> | undefined
  log: Log
  metrics: Pick<Metrics, 'verified'>
  requestIds: RequestIds
  /** Who answers everything else. */
  listener: RequestListener
}

interface Body {
  text: string
  /** In bytes, as a header says it. */
  length: string
}

/**
 * Answers GET /auth with a plain Bearer header from memory, in front of the framework, which would cost
 * more than the work. Anything but a valid token goes on to the listener, so that each refusal has one
 * place.
 */
export function takeShortWay(parts: Parts): RequestListener {
  const { door, recall, firstSight, log, metrics, requestIds, listener } = parts
  const bodies = new WeakMap<Verified, Body>()

  function bodyOf(verified: Verified): Body {
    let body = bodies.get(verified)
    if (body === undefined) {
      const { id: _, user: __, ...shown } = verified
      const text = JSON.stringify(shown)
      body = { text, length: String(Buffer.byteLength(text)) }
      bodies.set(verified, body)
    }
    return body
  }

  return (request, response) => {
    const begun = performance.now()
    const token = plainBearer(request)
    if (token === undefined) return listener(request, response)
    const caller = door?.recall(request)
    if (door && !caller?.scopes.includes('verify')) return listener(request, response)
    const within = caller?.tenant?.id
    const verified = recall(token, within)
    if (verified !== undefined) return answer(request, response, verified, begun, caller)
    const seeing = firstSight(token, within)
    if (seeing === undefined) return listener(request, response)
    seeing.then(
      (seen) => answer(request, response, seen, begun, caller),
      // Whatever is refused is looked at again where every refusal is answered.
      () => listener(request, response),
    )
  }

  function answer(
    request: IncomingMessage,
    response: ServerResponse,
    verified: Verified,
    begun: number,
    caller: Caller | undefined,
  ): void {
    const requestId = requestIds(request.headers['x-request-id'] as string | undefined)
    const { text, length } = bodyOf(verified)
    response.writeHead(200, [
      'X-Request-Id',
      requestId,
      'Cache-Control',
      'no-store',
      'X-Content-Type-Options',
      'nosniff',
      'Content-Type',
      'application/json; charset=utf-8',
      'Content-Length',
      length,
    ])
    response.end(text)
    const took = performance.now() - begun
    metrics.verified('valid', took / 1000)
    if (!log.isLevelEnabled('info')) return
    const durationMs = Math.round(took * 1000) / 1000
    const by = caller && { caller: caller.name }
    const about = { ...by, user: verified.user, jti: verified.id }
    log.info(
      { requestId, method: 'GET', route: '/auth', status: 200, durationMs, ...about },
      'request',
    )
  }
}

// One header, written the usual way, no query string and no body; all else is the listener's.
function plainBearer({ method, url, headers, rawHeaders }: IncomingMessage): string | undefined {
  if (method !== 'GET' || url !== '/auth') return undefined
  const { authorization } = headers
  if (authorization === undefined || !authorization.startsWith('Bearer ')) return undefined
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) {
    return undefined
  }
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 13 && name.toLowerCase() === 'authorization') count += 1
  }
  return count === 1 ? authorization.slice(7) : undefined
}

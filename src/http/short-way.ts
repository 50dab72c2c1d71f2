import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { FirstSight, Recall, Verified } from '../auth.ts'
import type { Caller } from '../caller.ts'
import type { Door } from './door.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { RequestIds } from './request-id.ts'

interface Parts {
  /** Where callers have to say who they are. */
  door?: Pick<Door, 'recall'> | undefined
  recall: Recall<ShortAnswer>
  firstSight: FirstSight<ShortAnswer>
  log: Log
  metrics: Pick<Metrics, 'verified'>
  requestIds: RequestIds
  /** Who answers everything else. */
  listener: RequestListener
}

/** A valid token's answer, made once. */
export interface ShortAnswer {
  body: string
  /** In bytes, as a header says it. */
  length: string
  /** Whose it is, for logs. */
  about: { user: string; jti: string }
}

/** What the short way answers about a valid token. */
export function shortAnswer({ id: jti, user, ...shown }: Verified): ShortAnswer {
  const body = JSON.stringify(shown)
  return { body, length: String(Buffer.byteLength(body)), about: { user, jti } }
}

/**
 * Answers GET /auth with a plain Bearer header from memory, in front of the framework, which would cost
 * more than the work. Anything but a valid token goes on to the listener, so that each refusal has one
 * place.
 */
export function takeShortWay(parts: Parts): RequestListener {
  const { door, recall, firstSight, log, metrics, requestIds, listener } = parts

  return (request, response) => {
    const begun = performance.now()
    const token = plainBearer(request)
    if (token === undefined) return listener(request, response)
    const caller = door?.recall(request)
    if (door && !caller?.scopes.includes('verify')) return listener(request, response)
    const within = caller?.tenant?.id
    const recalled = recall(token, within)
    if (recalled !== undefined) return answer(request, response, recalled, begun, caller)
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
    { body, length, about }: ShortAnswer,
    begun: number,
    caller: Caller | undefined,
  ): void {
    const requestId = requestIds(request.headers['x-request-id'] as string | undefined)
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
    response.end(body)
    const took = performance.now() - begun
    metrics.verified('valid', took / 1000)
    if (!log.isLevelEnabled('info')) return
    const durationMs = Math.round(took * 1000) / 1000
    const by = caller && { caller: caller.name }
    log.info(
      { requestId, method: 'GET', route: '/auth', status: 200, durationMs, ...by, ...about },
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

import { type Agent, type IncomingHttpHeaders, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { requireDescribed } from './described.ts'

/** What goes with a method and a path. A header given as a list is sent once for each value. */
export interface Sending {
  headers?: Record<string, string | string[]>
  body?: string | Buffer
  /** Keeps connections; without it each request has its own. */
  agent?: Agent
}

export interface Sent extends Sending {
  method: string
  path: string
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  /** Names and values in turn, as they came. */
  rawHeaders: string[]
  text: string
  /** The members of a JSON body; none where the body is not JSON. */
  json: Record<string, unknown>
}

/**
 * Sends one request as it is given, any method with any body, and reads the whole answer. Rejects where
 * that is not what /openapi.json says, so that each test holds the description against the service.
 */
export function send(url: string, { method, path, headers, body, agent }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
    const options = { method, path, headers: { ...length, ...headers }, agent: agent ?? false }
    const sent = request(url, options, async (response) => {
      try {
        const { statusCode: status = 0, headers, rawHeaders } = response
        const body = await text(response)
        const answer = {
          status,
          headers,
          rawHeaders,
          text: body,
          json: membersOf(headers, body),
        }
        requireDescribed(method, path, answer)
        resolve(answer)
      } catch (error) {
        reject(error)
      }
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** A JSON body. */
export function json(value: unknown): Sending {
  return { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) }
}

/** A form's body; pairs may repeat a name. */
export function form(pairs: Record<string, string> | [string, string][]): Sending {
  return {
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(pairs).toString(),
  }
}

/** A token as the Authorization header, beside what else is sent. Throws if there is no token. */
export function bearer(token: unknown, sending: Sending = {}): Sending {
  if (typeof token !== 'string') throw new TypeError(`not a token: ${String(token)}`)
  return { ...sending, headers: { ...sending.headers, Authorization: `Bearer ${token}` } }
}

function membersOf(headers: IncomingHttpHeaders, body: string): Record<string, unknown> {
  if (body === '' || !headers['content-type']?.includes('json')) return {}
  return JSON.parse(body) as Record<string, unknown>
}

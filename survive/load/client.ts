import { Agent, request } from 'node:http'
import { secretsIn } from '../secrets.ts'

export interface Asked {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  body?: object
  token?: string
}

export interface Answered {
  /** Null when the connection was cut before the whole answer was there. */
  status: number | null
  json: Record<string, unknown>
}

/** Speaks HTTP with one replica. */
export interface Client {
  replica: string
  ask(asked: Asked): Promise<Answered>
  /** The text at a path; empty where there is no answer. */
  read(path: string): Promise<string>
  /** How many requests were sent. */
  requests(): number
  /** What was searched for secrets in the failures' bodies so far. */
  searched: { bytes: number; found: number }
  close(): void
}

/** Longer than any process is stopped for: what is late shall be seen to be late, not cut by us. */
const PATIENCE_MS = 20_000

export function createClient(replica: string, url: string): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })
  const { hostname, port } = new URL(url)
  const searched = { bytes: 0, found: 0 }
  let requests = 0

  function ask({ method, path, body, token }: Asked): Promise<Answered> {
    requests += 1
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers: Record<string, string> = {}
    if (text !== undefined) {
      headers['content-type'] = 'application/json'
      headers['content-length'] = String(Buffer.byteLength(text))
    }
    if (token !== undefined) headers.authorization = `Bearer ${token}`
    return new Promise((resolve) => {
      const cut = () => resolve({ status: null, json: {} })
      const sent = request({ agent, hostname, port, method, path, headers }, (response) => {
        let answer = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          answer += chunk
        })
        response.on('error', cut)
        response.on('close', cut)
        response.on('end', () => {
          const status = response.statusCode ?? 0
          if (status >= 400) search(answer)
          resolve({ status, json: objectOf(answer) })
        })
      })
      sent.setTimeout(PATIENCE_MS, () => sent.destroy())
      sent.on('error', cut)
      sent.end(text)
    })
  }

  async function read(path: string): Promise<string> {
    const answer = await fetch(new URL(path, url)).catch(() => undefined)
    return (await answer?.text().catch(() => '')) ?? ''
  }

  function search(body: string): void {
    searched.bytes += body.length
    searched.found += secretsIn(body)
  }

  return { replica, ask, read, requests: () => requests, searched, close: () => agent.destroy() }
}

function objectOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

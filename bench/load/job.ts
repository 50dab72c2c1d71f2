/** What the driver is asked for: the lines of a file, each sent as a token or as a body. */
export interface Job {
  url: string
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** The file, and what a line of it is: a token for the Authorization header, or a JSON body. */
  lines: string
  as: 'token' | 'body'
  /** What goes with each as X-Api-Key. */
  key?: string
  /** The first line to send, and how many in all. */
  from: number
  count: number
  connections: number
  /** Ends after this time even when lines are left. */
  seconds: number
  /** Goes through the lines again and again, until the time is over. */
  loop?: boolean
  /** Sends the token of each answer in the next request for that line, and keeps it in the file. */
  chain?: boolean
  /** Requests a second, whatever the answers take; without it as fast as they come. */
  rate?: number
}

export interface Latencies {
  count: number
  p50: number
  p99: number
  max: number
}

/** What came of it. Latencies in ms, by status; under a rate they count from when one was due. */
export interface Driven {
  requests: number
  seconds: number
  failed: number
  /** Why the first of those failed. */
  failure?: string
  byStatus: Record<string, Latencies>
}

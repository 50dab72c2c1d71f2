import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { finished } from 'node:stream/promises'

/** What a client asks for. */
export type Verb = 'register' | 'change' | 'login' | 'verify' | 'refresh' | 'end'

/** All times are ms since the campaign began, on the campaign process's monotonic clock. */
export interface Span {
  at: number
  end: number
}

/** The first line: what was run, and what the service promises by its settings. */
export interface Campaign {
  kind: 'campaign'
  engine: 'neo4j' | 'embedded'
  seed: number
  /** The command that runs it again. */
  command: string
  /** When it began, ISO 8601. */
  date: string
  replicas: string[]
  stalenessMs: number
  graceMs: number
  /** How soon every request is answered or cut. */
  answerMs: number
}

/** One request of a client. Whatever was cut, or answered with 503, may have happened or not. */
export interface Operation extends Span {
  kind: 'op'
  verb: Verb
  worker: number
  replica: string
  /** Null when the connection was cut before an answer. */
  status: number | null
  /** The failure's code. */
  code?: string
  /** The user's name. */
  user: string
  /** Which of the user's passwords: the one sent, or for a change the new one. Never its text. */
  password?: number
  /** The session, called by the id of its first token. */
  session?: string
  /** The token that was sent, by its id. */
  token?: string
  scope?: 'session' | 'token'
  /** Whether the token was sent in another spelling than the one it was given in. */
  respelled?: true
  /** The token that was given: its id, and how long it lives. */
  made?: { token: string; lifeMs: number }
  /** Whose token it is, and of which session, by the answer to a verify. */
  said?: { user: string; session: string }
}

/** What was done to the processes, the network, the clock or the disk. */
export interface Fault extends Span {
  kind: 'fault'
  fault: string
  target: string
  /** Replicas that could not reach the graph from `at` to `end`. */
  severed?: string[]
  /** A replica whose process stood still from `at` to `end`. */
  stopped?: string
  /** Set where the clock that tokens are issued by was set otherwise. */
  graphClock?: true
  /** Set where the graph's process or its disk failed: what was not durable is lost. */
  graphDown?: true
  /** When Bolt answered again, where that is later than `end`. */
  back?: number
  detail?: string
}

/** A replica's process was started, and said that it is ready at `end`. */
export interface Start extends Span {
  kind: 'start'
  replica: string
}

/** A replica's process ended. */
export interface Exit extends Span {
  kind: 'exit'
  replica: string
  code: number | null
  signal: string | null
  /** The signal that the campaign had sent at `at`; nothing if it ended by itself. */
  sent?: string
}

/** The campaign's own process stood still: what it measured meanwhile is too long. */
export interface Pause extends Span {
  kind: 'pause'
}

/** Some text of the service's was searched for passwords, tokens and secrets. */
export interface Scan extends Span {
  kind: 'scan'
  /** `log of a`, `error bodies`, `metrics of a`, `files of the graph`. */
  where: string
  bytes: number
  found: number
}

/** The command line pruned. */
export interface Prune extends Span {
  kind: 'prune'
  code: number | null
}

/** A look at a replica's process. */
export interface Vital {
  kind: 'vital'
  at: number
  replica: string
  pid: number
  residentBytes: number
  openFiles: number
  /** How long it was ready to run and no core was free, in ms since it was started. */
  waitedMs: number
  /** How many requests the campaign had sent to this process by then. */
  requests: number
}

export type Line = Campaign | Operation | Fault | Start | Exit | Pause | Scan | Prune | Vital

/** Writes a history as JSON, a line each. */
export interface Recorder {
  /** ms since the campaign began. */
  now(): number
  write(line: Line): void
  /** How many operations were acknowledged so far. */
  done(): number
  close(): Promise<void>
}

export function createRecorder(file: string): Recorder {
  const began = performance.now()
  const stream = createWriteStream(file)
  let done = 0
  return {
    now: () => Math.round((performance.now() - began) * 1000) / 1000,
    write(line) {
      if (line.kind === 'op' && line.status !== null && line.status < 300) done += 1
      stream.write(`${JSON.stringify(line)}\n`)
    },
    done: () => done,
    async close() {
      stream.end()
      await finished(stream)
    },
  }
}

/** The lines of a history. A last line that was cut short by a crash is left out. */
export async function readHistory(file: string): Promise<Line[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
}

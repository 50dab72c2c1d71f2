import type { Affected, Credentials } from './auth.ts'
import type { BlacklistEntry } from './blacklist.ts'
import type { Directory } from './directory.ts'
import type { Token, TokenState } from './token.ts'

/** How the graph stands. Times are ms. */
export interface GraphStatus {
  graph: string
  schemaVersion: number
  now: number
  users: number
  sessions: number
  tokens: number
  entries: number
  /** The place of the last entry in the feed, and the graph's random epoch. */
  seq: number
  epoch: string
}

/** A token's state with the path and the entry that decide it. */
export interface Explanation {
  state: TokenState
  /** In a sentence. */
  why: string
  /** What the token says; null where it is not a token of ours. */
  token: Token | null
  /** Whether the graph holds it; null where the graph was not asked. */
  known: boolean | null
  /** The entry that decides, where one does. */
  decidedBy: BlacklistEntry | null
}

/** What one run of prune removed, or would remove. */
export interface Pruned {
  tokens: number
  sessions: number
  entries: number
  durationMs: number
  /** Whether it went to the end; false after a stop in between. */
  complete: boolean
}

export interface PruneOptions {
  /** Counts and removes nothing. */
  dryRun?: boolean
  /** Told after each batch. */
  onProgress?(pruned: Pruned): void
  /** Stops the run after the batch that is under way. */
  signal?: AbortSignal
}

/**
 * What an operator does with the graph, in the service or beside it. Each throws an AuthError on
 * purpose: those of the directory and of registration.
 */
export interface Operator extends Directory {
  status(): Promise<GraphStatus>
  addUser(credentials: Credentials): Promise<Affected>
  /** Sets a password and ends every session of the user. */
  setPassword(credentials: Credentials): Promise<Affected>
  explainToken(text: string): Promise<Explanation>
  /** Removes what has expired; undefined when another replica is at it. */
  prune(options?: PruneOptions): Promise<Pruned | undefined>
}

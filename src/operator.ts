import type { Affected, Credentials } from './auth.ts'
import type { BlacklistEntry } from './blacklist.ts'
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

/** A user as an operator sees one: never the hash. Times are ms. */
export interface UserStatus {
  id: string
  username: string
  status: string
  generation: number
  createdAt: number
  /** Sessions that are not over. */
  sessions: number
}

/** A session as an operator sees one. Times are ms. */
export interface SessionStatus {
  id: string
  createdAt: number
  expiresAt: number
  /** When its last token expires: unless that is refreshed, the session is over then. */
  lastTokenExpiresAt: number | null
  tokens: number
  state: 'live' | 'ended' | 'expired'
  /** Why it was ended. */
  reason: string | null
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
 * purpose: user_does_not_exist where a user is named, service_unavailable, and those of registration.
 */
export interface Operator {
  status(): Promise<GraphStatus>
  addUser(credentials: Credentials): Promise<Affected>
  /** Sets a password and ends every session of the user. */
  setPassword(credentials: Credentials): Promise<Affected>
  showUser(username: string): Promise<UserStatus>
  /** The newest sessions first, 1,000 at the most. */
  listSessions(username: string): Promise<SessionStatus[]>
  /** Ends every session of the user in one write. */
  endSessions(username: string): Promise<void>
  explainToken(text: string): Promise<Explanation>
  /** Removes what has expired; undefined when another replica is at it. */
  prune(options?: PruneOptions): Promise<Pruned | undefined>
}

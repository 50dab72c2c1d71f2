import type { Affected, Credentials } from './auth.ts'
import type { BlacklistEntry } from './blacklist.ts'
import type { CallerScope } from './caller.ts'
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

/** A caller as an operator sees one: never a key's text or hash. Times are ms. */
export interface CallerStatus {
  id: string
  name: string
  status: 'active' | 'revoked'
  scopes: readonly CallerScope[]
  /** The name of the tenant that it is bound to. */
  tenant: string | null
  /** Whether it proves itself by certificate; otherwise by key. */
  certificate: boolean
  createdAt: number
  revokedAt: number | null
  /** Its keys that count, the oldest first. */
  keys: { id: string; createdAt: number; until: number | null }[]
}

export interface CallerToAdd {
  name: string
  scopes: readonly string[]
  /** The name of the tenant to bind it to. */
  tenant?: string
  /** Whether it proves itself by a certificate of that name, and gets no key. */
  certificate?: boolean
}

export interface KeyRotation {
  name: string
  /** How long the keys so far go on to count; a day where it is left out. */
  overlapSeconds?: number
}

/** A key that was made. */
export interface MadeKey {
  name: string
  /** The key's text, which is kept nowhere; null for a caller that proves itself by certificate. */
  key: string | null
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

/** Which sessions are to end: everyone's, a tenant's, or a user's (of the default tenant, if none is named). */
export interface WhichLogIns {
  /** What was logged in for before this instant ends (ms); now, where it is left out. */
  issuedBefore?: number
  tenant?: string
  username?: string
}

/** What ended. Times are ms. */
export interface Invalidated {
  /** The instant in whole seconds, rounded up: sessions are dated so. */
  before: number
  /** When the last token that it could concern is expired. */
  until: number
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
  /**
   * Adds a caller: request_is_invalid (the name or the scopes), caller_already_exists,
   * tenant_does_not_exist.
   */
  addCaller(caller: CallerToAdd): Promise<MadeKey>
  listCallers(): Promise<CallerStatus[]>
  /** Gives a caller another key: caller_does_not_exist, request_is_invalid (it has no keys). */
  rotateCaller(rotation: KeyRotation): Promise<MadeKey>
  /** Ends a caller for good: caller_does_not_exist. */
  revokeCaller(name: string): Promise<void>
  /**
   * Ends every session that was opened before an instant, with all that was refreshed since, in one write:
   * request_is_invalid for an instant that is not over yet.
   */
  invalidate(which: WhichLogIns): Promise<Invalidated>
  /**
   * Copies the graph's files, as they are between two writes, into a new folder and gives it; whoever asked
   * removes it. request_is_invalid where the graph is not embedded.
   */
  copyGraph(): Promise<string>
  explainToken(text: string): Promise<Explanation>
  /** Removes what has expired; undefined when another replica is at it. */
  prune(options?: PruneOptions): Promise<Pruned | undefined>
}

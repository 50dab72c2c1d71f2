import type { Token, TokenState } from './token.ts'

export type Scope = 'all' | 'tenant' | 'user' | 'session' | 'token' | 'caller' | 'key'

/** What an entry of the scope `all` is about: an id that stands on every path. */
export const EVERYONE = 'all'

/** Why something was ended. */
export type Reason =
  | 'logout'
  | 'reuse'
  | 'password'
  /** By an operator, or a backend that looks after users. */
  | 'operator'
  | 'suspended'
  | 'deleted'
  /** The user had more sessions than one may have. */
  | 'limit'
  | 'refresh'
  /** By the time of their log-in: as told by an operator, or because the graph was restored. */
  | 'invalidated'
  | 'restored'

/** An immutable fact: what it is about no longer counts. Times are ms of the graph's clock. */
export interface BlacklistEntry {
  /** Its place in the feed; contiguous from 1. */
  seq: number
  scope: Scope
  /** The id of the tenant, user, session, token, caller or caller's key; EVERYONE for all. */
  id: string
  /** For a tenant or a user: tokens of this generation and of those before it are ended. */
  generation: number | null
  /**
   * For all, a tenant or a user, in a generation's place: what was logged in for before this instant is
   * ended. By the log-in and not by the token: whoever has stolen one may have refreshed it since.
   */
  before: number | null
  /** `ended` counts from now on; `superseded` (by a refresh) counts from the end of its grace. */
  kind: 'ended' | 'superseded'
  at: number
  from: number
  /** When the last token that it could concern is expired; no caller is remembered for so long. */
  until: number
  reason: Reason
  /** The operation that made it, by which a repeat of that operation is recognised. */
  operation: string
}

/**
 * Whether an entry about a token's path is in force. An `ended` entry always is: `from` is the time at
 * which its statement began, which a statement that waited for the feed's lock may not have reached.
 */
function inForce(entry: BlacklistEntry, token: Token, now: number): boolean {
  if (entry.kind === 'superseded' && now < entry.from) return false
  switch (entry.scope) {
    case 'all':
      return isOver(entry, token, 0)
    case 'tenant':
      return entry.id === token.tenant.id && isOver(entry, token, token.tenant.generation)
    case 'user':
      return entry.id === token.user.id && isOver(entry, token, token.user.generation)
    case 'session':
      return token.sessions.includes(entry.id)
    case 'token':
      return entry.id === token.id
    case 'caller':
    case 'key':
      return false
  }
}

/** Whether any of the entries about a caller or a caller's key is in force: it no longer counts. */
export function isCallerEnded(entries: readonly BlacklistEntry[], now: number): boolean {
  return entries.some(({ kind, from }) => kind === 'ended' || from <= now)
}

function isOver({ before, generation }: BlacklistEntry, token: Token, own: number): boolean {
  return before === null ? own <= (generation ?? Infinity) : token.authTime < before
}

/** What the graph knows of a token. */
export interface Sight {
  /** Whether the graph holds the token, issued by its session, opened by its user, of its tenant. */
  known: boolean
  /** Entries about anything on its path. */
  entries: BlacklistEntry[]
}

/** The one predicate of every door: a token's state at an instant (ms), by what the graph knows. */
export function stateOf(token: Token, sight: Sight, now: number): TokenState {
  // Expired wins over blacklisted, so that pruning an entry never changes an answer.
  if (token.expiresAt <= now) return 'expired'
  if (decidingEntry(token, sight, now)) return 'blacklisted'
  return sight.known ? 'valid' : 'invalid'
}

/** The entry by which a token is blacklisted, if any is in force. */
export function decidingEntry(token: Token, sight: Sight, now: number): BlacklistEntry | undefined {
  return sight.entries.find((entry) => inForce(entry, token, now))
}

/** Whether the token was refreshed and its grace is over: to present it again is reuse. */
export function isPastGrace(token: Token, { entries }: Sight, now: number): boolean {
  return entries.some((entry) => entry.kind === 'superseded' && inForce(entry, token, now))
}

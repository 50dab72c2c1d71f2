import type { BlacklistEntry, Reason, Sight } from './blacklist.ts'
import type { Caller, CallerScope } from './caller.ts'
import type { SessionStatus, UserStatus } from './directory.ts'
import type { CallerStatus, GraphStatus } from './operator.ts'
import type { Tenant } from './tenant.ts'
import type { Token } from './token.ts'
import type { User } from './user.ts'

/**
 * What must be remembered. Every promise here is kept by the suites in test/contract, on each engine.
 * An acknowledged write is durable. Any call may throw service_unavailable: the write was then done or
 * not, and the same call (the same ids) may be repeated without doing it twice.
 */
export interface Store {
  tenants: Tenants
  users: Users
  sessions: Sessions
  tokens: Tokens
  callers: Callers
  feed: Feed
  pruning: Pruning
  overview: Overview
  /**
   * The graph's time in ms since the epoch, never going backwards in this process; 0 until the graph has
   * said it.
   */
  now(): number
  /** How many batches have been sent so far, and of how many rows, by what they do. */
  batches(): Record<string, { batches: number; rows: number }>
  /** Takes another process's word of the graph's time, in ms. */
  observe(time: number): void
  /** Resolves once the graph answers and its schema is there; throws service_unavailable otherwise. */
  check(): Promise<void>
  /**
   * Copies the graph's files, as they are between two writes, into a new folder and gives it;
   * request_is_invalid where the graph is not embedded.
   */
  copy(): Promise<string>
  /** Ends what runs and lets go of the graph. */
  close(): Promise<void>
}

export interface SuspendTenant {
  /** The tenant's id. */
  tenant: string
  /** The longest that a session may last, in seconds: how long the entry is needed. */
  sessionSeconds: number
  operation: string
}

/** Tenants are added and never removed. */
export interface Tenants {
  find(name: string): Promise<Tenant | undefined>
  /** Adds an active tenant; false if the name is taken. Of any number at once exactly one is true. */
  add(tenant: Pick<Tenant, 'id' | 'name'>): Promise<boolean>
  /** All of them, by name. */
  list(): Promise<Tenant[]>
  /**
   * Suspends the tenant and ends all sessions of its users in one write, whose cost does not grow with
   * them; undefined if it was suspended before.
   */
  suspend(suspension: SuspendTenant): Promise<BlacklistEntry | undefined>
  /** Lets its users log in anew; what has ended stays so. */
  reinstate(tenant: string): Promise<void>
}

export interface NewUser {
  /** The operation's id as well. */
  id: string
  key: string
  username: string
  passwordHash: string
  tenant: string
}

export interface NewPassword {
  user: string
  passwordHash: string
  /** Where given, the change is made only if this hash still is the user's. */
  expectedHash: string | null
  operation: string
}

export interface EndSessions {
  user: string
  reason: Reason
  operation: string
}

export interface EndSome extends EndSessions {
  /** The id of a session of the user: that one ends, or all but that one. */
  session: string
  which: 'that' | 'others'
}

export interface Users {
  find(key: string): Promise<User | undefined>
  /**
   * Adds the user; false if the key is taken, undefined if there is no such tenant or it is suspended. Of
   * any number at once exactly one is true.
   */
  register(user: NewUser): Promise<boolean | undefined>
  /**
   * Sets the password and ends all sessions in one write, and gives its entry; undefined if the hash is
   * not the expected one.
   */
  changePassword(change: NewPassword): Promise<BlacklistEntry | undefined>
  /** Ends all sessions of the user in one write; undefined if there is no such user. */
  endSessions(ending: EndSessions): Promise<BlacklistEntry | undefined>
  /**
   * Ends those of the user's sessions that are live in one write; undefined, and nothing is ended, if the
   * named session is not the user's.
   */
  endSome(ending: EndSome): Promise<BlacklistEntry[] | undefined>
  /**
   * Suspends the user and ends all sessions in one write; undefined if there is no such user, or it was
   * suspended before.
   */
  suspend(ending: Omit<EndSessions, 'reason'>): Promise<BlacklistEntry | undefined>
  /** Lets the user log in anew; what has ended stays so. False if there is no such user. */
  reinstate(user: string): Promise<boolean>
  /**
   * Ends all sessions and removes the user in one write; undefined if there is no such user: of any
   * number at once exactly one gives the entry. What the user has opened is left to prune.
   */
  remove(ending: Omit<EndSessions, 'reason'>): Promise<BlacklistEntry | undefined>
  /** Replaces a hash by another of the same password, unless it has changed meanwhile. */
  rehash(user: string, from: string, to: string): Promise<void>
}

export interface NewSession {
  /** The operation's id as well. */
  id: string
  user: User
  token: string
  kid: string
  /** Seconds that the session may last, and the token at the most. */
  sessionSeconds: number
  tokenSeconds: number
  /** How many live sessions the user may have, this one included; 0, or left out, for no limit. */
  most?: number
}

export interface Opened {
  token: Token
  /** About the sessions that had to end for it. */
  ended: BlacklistEntry[]
}

export interface EndSession {
  operation: string
  scope: 'session' | 'token'
  reason: Reason
}

/** What ends: all that was logged in for before an instant, of everyone, a tenant or a user. */
export interface Invalidation {
  scope: 'all' | 'tenant' | 'user'
  /** The id of the tenant or the user. */
  id?: string
  /** Whole seconds, in ms: sessions are dated so. */
  before: number
  reason: Reason
  /** The longest that a token may last: how long the entry is needed. */
  tokenSeconds: number
  /** The feed's next epoch, where it is to get one: whoever follows it then reads it anew. */
  epoch?: string
  operation: string
}

export interface Sessions {
  /**
   * Opens a session with its first token and ends the oldest of the user's live ones past the limit;
   * undefined if the user, or the tenant, no longer is active and of the generation in `user`: the
   * password was changed since it was read, say. When all of any number at once are done, no more are
   * live than the limit says.
   */
  open(session: NewSession): Promise<Opened | undefined>
  /**
   * Ends the token's session, or that token, and gives the entry; undefined if something on its path had
   * ended before.
   */
  end(token: Token, how: EndSession): Promise<BlacklistEntry | undefined>
  /**
   * Ends every session that was opened before an instant, in one write whose cost does not grow with
   * them, and gives its entry; request_is_invalid if that instant is not over yet.
   */
  invalidate(invalidation: Invalidation): Promise<BlacklistEntry>
}

export interface NewToken {
  /** The operation's id as well. */
  id: string
  kid: string
  tokenSeconds: number
  graceSeconds: number
}

/** What a refresh found, and the successor where there is one. */
export interface Refreshed {
  /** As it stood before this operation. */
  sight: Sight
  /** The one successor, whoever made it; undefined if the token has none and may have none. */
  successor: Token | undefined
  /** The entry about the refreshed token, where this operation made the successor. */
  entry: BlacklistEntry | undefined
}

export interface Tokens {
  /** What the graph knows of the token now, every acknowledged entry about its path included. */
  sight(token: Token): Promise<Sight>
  /** Makes the token's one successor, unless it has one or anything on its path has ended. */
  refresh(token: Token, next: NewToken): Promise<Refreshed>
}

/** A key as it is stored: the hash alone. */
export interface NewKey {
  /** The operation's id as well, where a key is rotated. */
  id: string
  hash: string
}

export interface NewCaller {
  /** The operation's id as well. */
  id: string
  name: string
  scopes: readonly CallerScope[]
  /** The name of the tenant that it is bound to. */
  tenant: string | null
  /** Its first key; null for one that proves itself by certificate. */
  key: NewKey | null
}

/** A key and the caller that holds it. */
export interface HeldKey extends NewKey {
  /** The instant (ms) from which on it no longer counts. */
  until: number | null
  caller: Caller
}

export interface Rotate {
  /** The caller's id. */
  caller: string
  key: NewKey
  /** How long the keys that it holds go on to count. */
  overlapSeconds: number
}

export interface Revoke {
  /** The caller's id. */
  caller: string
  operation: string
}

/** The backends that may call. */
export interface Callers {
  /** Adds a caller; false if the name is taken. Throws tenant_does_not_exist. */
  add(caller: NewCaller): Promise<boolean>
  /** The key of that id, while its caller is not revoked; it may be past its `until`. */
  byKey(id: string): Promise<HeldKey | undefined>
  /** The caller of that name, if it proves itself by certificate and is not revoked. */
  byCertificate(name: string): Promise<Caller | undefined>
  /** The caller of that name, unless it is revoked. */
  find(name: string): Promise<{ id: string; certificate: boolean } | undefined>
  /** Every caller, the oldest first, also those that are revoked; keys only while they count. */
  list(): Promise<CallerStatus[]>
  /**
   * Gives a caller another key and its keys so far an end, in one write, and gives the entries about
   * these; undefined if there is no such caller with keys.
   */
  rotate(rotation: Rotate): Promise<BlacklistEntry[] | undefined>
  /**
   * Ends a caller for good and removes its keys, in one write, and gives the entry; the name is free
   * then. Undefined if there is no such caller, or it was revoked before.
   */
  revoke(revocation: Revoke): Promise<BlacklistEntry | undefined>
}

/** Entries of the feed after a place, in order, and the feed's counter and epoch. */
export interface FeedPage {
  seq: number
  epoch: string
  entries: BlacklistEntry[]
}

/** A place in the feed up to which every write is over: what is not there by then was pruned. */
export interface Fence {
  seq: number
  epoch: string
}

/** The ordered stream of blacklist entries. */
export interface Feed {
  /** Whether a read proves nothing by itself: then a heartbeat within the same bound does. */
  readonly needsHeartbeat: boolean
  /** The first `limit` entries after a place; all that were acknowledged before the call are there. */
  read(after: number, limit: number): Promise<FeedPage>
  /** Waits for the writes that are under way and gives the place that they have reached. */
  fence(): Promise<Fence>
  /** Commits a write. */
  heartbeat(): Promise<void>
}

/** What prune removes: an ended session is one whose tokens are all gone. */
export type Prunable = 'token' | 'session' | 'entry'

export interface Pruning {
  /**
   * Takes or keeps the lease of that name for some ms of the graph's time; false while another holder
   * has it. A holder that dies loses it when that time is over.
   */
  lease(name: string, holder: string, ms: number): Promise<boolean>
  /** Gives the lease back, if it still is the holder's. */
  release(name: string, holder: string): Promise<void>
  /** The keys of at most `limit` of those that ended before an instant (ms). */
  ended(kind: Prunable, before: number, limit: number): Promise<(string | number)[]>
  /**
   * Removes those of the keys that still are what `ended` says, in one write, and tells how many. A
   * token is removed before its session, and both before an entry about them.
   */
  remove(kind: Prunable, keys: (string | number)[], before: number): Promise<number>
}

/** What an operator sees of the graph. */
export interface Overview {
  graph(): Promise<GraphStatus>
  user(key: string): Promise<UserStatus | undefined>
  /** The user's newest sessions, `limit` at the most. */
  sessions(key: string, limit: number): Promise<SessionStatus[]>
}

import type { ApiKeys } from '../api-key.ts'
import type { Auth, FirstSight, Recall, Verified } from '../auth.ts'
import type { NewId } from '../id.ts'
import type { KeyRing } from '../keys.ts'
import type { PasswordHasher } from '../password.ts'
import type { Store } from '../store.ts'
import type { Throttle } from '../throttle.ts'
import type { TokenText } from '../token-text.ts'
import { blacklist } from './blacklist.ts'
import { changePassword } from './change-password.ts'
import type { LivePaths } from './live-paths.ts'
import { login } from './login.ts'
import { refresh } from './refresh.ts'
import { register } from './register.ts'
import { firstSight, recall, verify } from './verify.ts'

/** What the verbs work with. */
export interface Tools {
  store: Store
  /** Without them each verify asks the graph. */
  paths?: LivePaths
  ring: KeyRing
  tokenText: TokenText
  hasher: PasswordHasher
  apiKeys: ApiKeys
  /** Without it passwords may be tried any number of times. */
  throttle?: Throttle
  newId: NewId
  rules: Rules
}

export interface Rules {
  tokenSeconds: number
  sessionSeconds: number
  graceSeconds: number
  /** Whether a token that comes back after its grace ends its session. */
  reuseDetection: boolean
  /** Whether an unknown user is answered like a wrong password. */
  hideUnknownUsers: boolean
  requireCurrentPassword: boolean
  /** How many live sessions a user may have; 0 for no limit. At the limit the oldest ends. */
  sessionsPerUser: number
  /** How long a session that has ended is kept for those who look into it. */
  retentionSeconds: number
}

/**
 * Answers a verify from memory alone; undefined for whatever needs more than that. What `show` makes of a
 * token is kept beside it, so that a process has one `show`.
 */
export function createRecall<Shown>(
  tools: Tools,
  show: (verified: Verified) => Shown,
): Recall<Shown> {
  return (text, within) => recall(tools, show, text, within)
}

/** Verifies a token that memory has not seen, while memory is trusted; shows it as recalling does. */
export function createFirstSight<Shown>(
  tools: Tools,
  show: (verified: Verified) => Shown,
): FirstSight<Shown> {
  return (text, within) => firstSight(tools, show, text, within)
}

/** The service itself: the verbs of the contract over a store. */
export function createService(tools: Tools): Auth {
  return {
    register: (credentials) => register(tools, credentials),
    changePassword: (change) => changePassword(tools, change),
    login: (credentials) => login(tools, credentials),
    verify: (text, within) => verify(tools, text, within),
    refresh: (text, within) => refresh(tools, text, within),
    blacklist: (text, scope, within) => blacklist(tools, text, scope, within),
  }
}

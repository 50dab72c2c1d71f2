import { AuthError } from '../error.ts'
import type { User } from '../user.ts'
import type { Tools } from './service.ts'

/** What is claimed: a user, and unless it is not asked for, the password. */
export interface Claim {
  key: string
  password: string | undefined
  /** Where from; attempts from nowhere (an operator's) are not counted. */
  source: string | undefined
}

/**
 * The user of that key, whose password this is. An unknown user costs the same time as a wrong password.
 * Throws user_does_not_exist, bad_credentials and, before any work, too_many_attempts.
 */
export async function authenticate(tools: Tools, claim: Claim): Promise<User> {
  const { key: account, password, source } = claim
  if (!tools.throttle || password === undefined || source === undefined) {
    return compare(tools, claim)
  }
  return tools.throttle.guard({ account, source }, () => compare(tools, claim))
}

async function compare({ store, hasher, rules }: Tools, { key, password }: Claim): Promise<User> {
  // Under a flood the graph is spared the look-ups of those who are refused all the same.
  if (password !== undefined) hasher.queue.requireRoom()
  const user = await store.users.find(key)
  const matches = password === undefined || (await hasher.matches(password, user?.passwordHash))
  if (user && matches) return user
  if (user) throw new AuthError('bad_credentials', { about: { user: user.id } })
  throw new AuthError(rules.hideUnknownUsers ? 'bad_credentials' : 'user_does_not_exist')
}

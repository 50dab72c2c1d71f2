import { AuthError } from '../error.ts'
import type { User } from '../user.ts'
import type { Tools } from './service.ts'

/**
 * The user of that key, whose password this is (not asked where none is given). An unknown user costs
 * the same time as a wrong password. Throws user_does_not_exist and bad_credentials.
 */
export async function authenticate(
  { store, hasher, rules }: Tools,
  key: string,
  password: string | undefined,
): Promise<User> {
  const user = await store.users.find(key)
  const matches = password === undefined || (await hasher.matches(password, user?.passwordHash))
  if (user && matches) return user
  if (user) throw new AuthError('bad_credentials', { about: { user: user.id } })
  throw new AuthError(rules.hideUnknownUsers ? 'bad_credentials' : 'user_does_not_exist')
}

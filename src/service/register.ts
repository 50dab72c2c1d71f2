import type { Affected, Credentials } from '../auth.ts'
import { AuthError } from '../error.ts'
import { parseNewPassword } from '../password.ts'
import { DEFAULT_TENANT, parseUsername, userKey } from '../user.ts'
import { requireActiveTenant } from './directory.ts'
import type { Tools } from './service.ts'

/** POST /auth/user: registers a user. */
export async function register(tools: Tools, credentials: Credentials): Promise<Affected> {
  const username = parseUsername(credentials.username)
  const password = parseNewPassword(credentials.password)
  const tenant = credentials.tenant ?? DEFAULT_TENANT
  const key = userKey(tenant, username)
  await requireActiveTenant(tools, tenant)
  // Looked up first, so that a name that is taken costs no hash.
  if (await tools.store.users.find(key)) throw new AuthError('user_already_exists')
  const passwordHash = await tools.hasher.hash(password)
  const id = tools.newId()
  const added = await tools.store.users.register({ id, key, username, passwordHash, tenant })
  // It was suspended meanwhile.
  if (added === undefined) throw new AuthError('tenant_is_suspended')
  if (!added) throw new AuthError('user_already_exists')
  return { user: id }
}

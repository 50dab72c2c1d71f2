import type { Affected, PasswordChange } from '../auth.ts'
import { AuthError } from '../error.ts'
import { parseNewPassword, parsePassword } from '../password.ts'
import { DEFAULT_TENANT, parseUsername, userKey } from '../user.ts'
import { authenticate } from './authenticate.ts'
import type { Tools } from './service.ts'

// Each attempt but the last lost against another change of the same password.
const ATTEMPTS = 3

/** PATCH /auth/user: sets another password and ends every session of the user. */
export async function changePassword(tools: Tools, change: PasswordChange): Promise<Affected> {
  const key = userKey(change.tenant ?? DEFAULT_TENANT, parseUsername(change.username))
  const password = parseNewPassword(change.password)
  const current = currentPassword(tools, change)
  const operation = tools.newId()
  let passwordHash: string | undefined
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const user = await authenticate(tools, { key, password: current, source: change.source })
    passwordHash ??= await tools.hasher.hash(password)
    const changed = await tools.store.users.changePassword({
      user: user.id,
      passwordHash,
      expectedHash: current === undefined ? null : user.passwordHash,
      operation,
    })
    if (changed) return { user: user.id }
  }
  throw new AuthError('service_unavailable')
}

function currentPassword(tools: Tools, { currentPassword }: PasswordChange): string | undefined {
  if (currentPassword !== undefined) return parsePassword(currentPassword)
  if (!tools.rules.requireCurrentPassword) return undefined
  throw new AuthError('password_validation_failed', {
    detail: 'Send the current password as "currentPassword", too.',
  })
}

import type { Credentials, Grant } from '../auth.ts'
import { AuthError } from '../error.ts'
import { parsePassword } from '../password.ts'
import { DEFAULT_TENANT, parseUsername, type User, userKey } from '../user.ts'
import { authenticate } from './authenticate.ts'
import { grant } from './grant.ts'
import type { Tools } from './service.ts'

// Each attempt but the last lost against a change of the password, or a suspension, meanwhile.
const ATTEMPTS = 3

/** POST /auth: opens a session. */
export async function login(tools: Tools, credentials: Credentials): Promise<Grant> {
  const key = userKey(credentials.tenant ?? DEFAULT_TENANT, parseUsername(credentials.username))
  const password = parsePassword(credentials.password)
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const user = await authenticate(tools, { key, password, source: credentials.source })
    requireActive(user)
    const mark = tools.paths?.mark()
    const opened = await tools.store.sessions.open({
      id: tools.newId(),
      user,
      token: tools.newId(),
      kid: tools.ring.current.kid,
      sessionSeconds: tools.rules.sessionSeconds,
      tokenSeconds: tools.rules.tokenSeconds,
      most: tools.rules.sessionsPerUser,
    })
    if (opened) {
      await keepHashCurrent(tools, user, password)
      return grant(tools, opened.token, mark)
    }
  }
  throw new AuthError('service_unavailable')
}

// Only after the password was right, so that nothing is learnt without it.
function requireActive({ id, status, tenant }: User): void {
  const about = { user: id }
  if (tenant.status === 'suspended') throw new AuthError('tenant_is_suspended', { about })
  if (status === 'suspended') throw new AuthError('user_is_suspended', { about })
}

// Best effort: the log-in has succeeded, and the next one tries again.
async function keepHashCurrent(tools: Tools, user: User, password: string): Promise<void> {
  if (!tools.hasher.isOutdated(user.passwordHash)) return
  try {
    const hash = await tools.hasher.hash(password)
    await tools.store.users.rehash(user.id, user.passwordHash, hash)
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
  }
}

import type { Verified } from '../auth.ts'
import { ownSession, refreshAfter } from '../token.ts'
import { inspect, requireValid } from './inspect.ts'
import type { Tools } from './service.ts'

/** GET /auth: whose token it is. */
export async function verify(tools: Tools, text: string): Promise<Verified> {
  const inspected = await inspect(tools, text)
  requireValid(inspected)
  const { token } = inspected
  return {
    id: token.id,
    user: token.user.id,
    username: token.user.username,
    session: ownSession(token),
    issuedAt: token.issuedAt,
    expiresAt: token.expiresAt,
    refreshAfter: refreshAfter(token),
  }
}

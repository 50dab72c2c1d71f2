import type { Verified } from '../auth.ts'
import { stateOf } from '../blacklist.ts'
import { ownSession, refreshAfter, type Token } from '../token.ts'
import { inspect, requireValid } from './inspect.ts'
import type { Tools } from './service.ts'

/** GET /auth: whose token it is. */
export async function verify(tools: Tools, text: string): Promise<Verified> {
  const inspected = await inspect(tools, text)
  requireValid(inspected)
  return verifiedOf(inspected.token)
}

/** The same for a token that memory alone can tell to be valid; undefined for any other. */
export function recall({ paths, store }: Tools, text: string): Verified | undefined {
  const token = paths?.token(text)
  const sight = token && paths?.sight(token)
  return sight && stateOf(token, sight, store.now()) === 'valid' ? verifiedOf(token) : undefined
}

// Made once a token: what is said of it never changes.
const made = new WeakMap<Token, Verified>()

function verifiedOf(token: Token): Verified {
  let verified = made.get(token)
  if (verified === undefined) {
    verified = {
      id: token.id,
      user: token.user.id,
      username: token.user.username,
      session: ownSession(token),
      issuedAt: token.issuedAt,
      expiresAt: token.expiresAt,
      refreshAfter: refreshAfter(token),
    }
    made.set(token, verified)
  }
  return verified
}

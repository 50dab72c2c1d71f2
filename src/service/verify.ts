import type { Verified } from '../auth.ts'
import { stateOf } from '../blacklist.ts'
import { AuthError } from '../error.ts'
import { ownSession, refreshAfter, type Token } from '../token.ts'
import { inspect, requireValid } from './inspect.ts'
import type { Tools } from './service.ts'

/** GET /auth: whose token it is. */
export async function verify(tools: Tools, text: string, within?: string): Promise<Verified> {
  const inspected = await inspect(tools, text, within)
  requireValid(inspected)
  return verifiedOf(inspected.token)
}

/** The same for a token that memory alone can tell to be valid; undefined for any other. */
export function recall(
  { paths, store }: Tools,
  text: string,
  within?: string,
): Verified | undefined {
  const token = paths?.token(text)
  if (within !== undefined && token?.tenant.id !== within) return undefined
  const sight = token && paths?.sight(token)
  return sight && stateOf(token, sight, store.now()) === 'valid' ? verifiedOf(token) : undefined
}

/** How long a first sight may take before it is left to the way that answers every refusal, in ms. */
const FIRST_SIGHT_MS = 300

/**
 * Asks the graph about a well-formed token that memory has not seen, while memory is trusted: its word
 * is then enough for all later verifies. Undefined where that is not so; rejects for any other token.
 */
export function firstSight(
  tools: Tools,
  text: string,
  within?: string,
): Promise<Verified> | undefined {
  const { paths } = tools
  if (!paths?.isTrusted() || paths.token(text) !== undefined) return undefined
  return limited(FIRST_SIGHT_MS, verify(tools, text, within))
}

// A graph that has just gone must not be waited for twice.
function limited<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new AuthError('service_unavailable')), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
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

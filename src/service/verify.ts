import type { Verified } from '../auth.ts'
import { stateOf } from '../blacklist.ts'
import { AuthError } from '../error.ts'
import { ownSession, refreshAfter, type Token } from '../token.ts'
import type { Checked } from './checked-tokens.ts'
import { inspect, requireValid } from './inspect.ts'
import type { Tools } from './service.ts'

/** GET /auth: whose token it is. */
export async function verify(tools: Tools, text: string, within?: string): Promise<Verified> {
  const inspected = await inspect(tools, text, within)
  requireValid(inspected)
  return verifiedOf(inspected.token)
}

type Show<Shown> = (verified: Verified) => Shown

/** The same for a token that memory alone can tell to be valid; undefined for any other. */
export function recall<Shown>(
  { paths, store }: Tools,
  show: Show<Shown>,
  text: string,
  within?: string,
): Shown | undefined {
  const checked = paths?.checked(text)
  if (!paths || !checked) return undefined
  const { token, turn } = checked
  if (within !== undefined && token.tenant.id !== within) return undefined
  const sight = paths.sight(token, turn)
  if (!sight || stateOf(token, sight, store.now()) !== 'valid') return undefined
  paths.count(true, true)
  return shownOnce(checked, show)
}

/** How long a first sight may take before it is left to the way that answers every refusal, in ms. */
const FIRST_SIGHT_MS = 300

/**
 * Verifies a well-formed token that memory has not seen, or not for long, while memory is trusted: the
 * graph's word is then enough for all later verifies. Undefined where that is not so; rejects for any
 * other token.
 */
export function firstSight<Shown>(
  tools: Tools,
  show: Show<Shown>,
  text: string,
  within?: string,
): Promise<Shown> | undefined {
  const { paths } = tools
  if (!paths?.isTrusted()) return undefined
  const checked = paths.checked(text)
  // Memory has had its say, and the token is not valid.
  if (checked && paths.sight(checked.token, checked.turn)) return undefined
  return limited(FIRST_SIGHT_MS, verify(tools, text, within)).then((verified) => {
    const remembered = paths.checked(text)
    return remembered ? shownOnce(remembered, show) : show(verified)
  })
}

// A graph that has just gone must not be waited for twice.
function limited<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new AuthError('service_unavailable')), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

// Kept beside the token: in a WeakMap of as many it would double the pauses of the garbage collector.
function shownOnce<Shown>(checked: Checked, show: Show<Shown>): Shown {
  checked.shown ??= show(verifiedOf(checked.token))
  return checked.shown as Shown
}

function verifiedOf(token: Token): Verified {
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

import { type Sight, stateOf } from '../blacklist.ts'
import { AuthError, type Code } from '../error.ts'
import type { Token, TokenState } from '../token.ts'
import type { Tools } from './service.ts'

export interface Inspected {
  token: Token
  sight: Sight
  state: TokenState
  /** The graph's time at which it was told, in ms. */
  now: number
}

/**
 * What every door does first: reads the text and tells the token's state, from memory where that is
 * enough. What is malformed or forged is told without asking the graph, and so is what is expired once
 * the graph has said what time it is. Throws token_is_invalid and token_is_expired.
 */
export async function inspect(tools: Tools, text: string, within?: string): Promise<Inspected> {
  const { store, tokenText, paths } = tools
  const mark = paths?.mark() ?? 0
  const checked = paths?.checked(text)
  const token = checked?.token ?? tokenText.read(text)
  requireWithin(token, within)
  if (token.expiresAt <= store.now()) {
    paths?.forget(text, token)
    throw refusal('expired', token)
  }
  const remembered = paths?.sight(token, checked?.turn)
  paths?.count(checked !== undefined, remembered !== undefined)
  const sight = remembered ?? (await store.tokens.sight(token))
  const now = store.now()
  const state = stateOf(token, sight, now)
  if (state === 'valid' && !(checked && remembered)) paths?.remember(text, token, mark)
  // The graph was asked and does not hold it any more.
  if (!sight.known) paths?.forget(text, token)
  return { token, sight, state, now }
}

// Whoever is bound to one tenant learns nothing of another's tokens, not even that they are tokens.
function requireWithin({ tenant }: Token, within: string | undefined): void {
  if (within === undefined || tenant.id === within) return
  throw new AuthError('token_is_invalid', { cause: new Error("it is another tenant's") })
}

/** Throws the refusal of a token that is not valid. */
export function requireValid({ token, state, isReused }: Judged): void {
  if (state !== 'valid') throw refusal(state, token, isReused)
}

interface Judged extends Pick<Inspected, 'token' | 'state'> {
  /** Whether its session has just been ended for that. */
  isReused?: boolean
}

const codes = {
  expired: 'token_is_expired',
  blacklisted: 'token_is_blacklisted',
  invalid: 'token_is_invalid',
} as const satisfies Record<Exclude<TokenState, 'valid'>, Code>

/** The error that says why a token is refused, and in the log whose it was. */
export function refusal(
  state: Exclude<TokenState, 'valid'>,
  token: Token,
  isReused = false,
): AuthError {
  const about = { user: token.user.id, jti: token.id }
  return new AuthError(codes[state], { about: isReused ? { ...about, reuse: true } : about })
}

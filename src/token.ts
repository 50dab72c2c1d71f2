import { createHash } from 'node:crypto'

/** What a token says: its own dates and the live path it stands at the end of. Times are ms. */
export interface Token {
  id: string
  /** The key that signs it. */
  kid: string
  /** Whole seconds, in ms. */
  issuedAt: number
  /** Whole seconds, in ms; from this instant on the token is expired. */
  expiresAt: number
  /** When its user logged in, which no refresh changes; whole seconds, in ms (OIDC Core §2). */
  authTime: number
  user: { id: string; username: string; generation: number }
  tenant: { id: string; generation: number }
  /** The ids of the sessions from the root, which the user opened, to the one that issued it. */
  sessions: [string, ...string[]]
}

/** The four states of a token; at any instant it is in exactly one. */
export type TokenState = 'valid' | 'expired' | 'blacklisted' | 'invalid'

/** The session that issued the token. */
export function ownSession(token: Token): string {
  return token.sessions.at(-1) as string
}

/**
 * When to refresh a token, in ms: at 75 to 90 % of its life, so that clients do not come at once. It
 * follows from the token's id, so every answer about a token gives the same instant.
 */
export function refreshAfter(token: Pick<Token, 'id' | 'issuedAt' | 'expiresAt'>): number {
  const share = createHash('sha256').update(token.id).digest().readUInt32BE() / 2 ** 32
  return Math.floor(token.issuedAt + (token.expiresAt - token.issuedAt) * (0.75 + 0.15 * share))
}

import type { Grant } from '../auth.ts'
import { refreshAfter, type Token } from '../token.ts'
import type { Tools } from './service.ts'

/** A token as it is handed to its holder. */
export function grant({ tokenText }: Tools, token: Token): Grant {
  return {
    text: tokenText.write(token),
    id: token.id,
    user: token.user.id,
    expiresAt: token.expiresAt,
    refreshAfter: refreshAfter(token),
  }
}

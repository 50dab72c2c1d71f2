import type { Grant } from '../auth.ts'
import { refreshAfter, type Token } from '../token.ts'
import type { Tools } from './service.ts'

/**
 * A token as it is handed to its holder. The graph holds it, so its first verify need not ask; `mark`
 * was read before the graph was asked to.
 */
export function grant({ tokenText, paths }: Tools, token: Token, mark = 0): Grant {
  const text = tokenText.write(token)
  paths?.remember(text, token, mark)
  return {
    text,
    id: token.id,
    user: token.user.id,
    expiresAt: token.expiresAt,
    refreshAfter: refreshAfter(token),
  }
}

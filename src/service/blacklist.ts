import type { Ended } from '../auth.ts'
import { isPastGrace } from '../blacklist.ts'
import { inspect, refusal, requireValid } from './inspect.ts'
import type { Tools } from './service.ts'

/** DELETE /auth: ends the token's session, or that token alone. */
export async function blacklist(
  tools: Tools,
  text: string,
  scope: 'session' | 'token',
  within?: string,
): Promise<Ended> {
  const { token, sight, state, now } = await inspect(tools, text, within)
  const operation = tools.newId()
  // Whoever logs out is logged out, also with a token that was refreshed long ago.
  const isLate = scope === 'session' && isPastGrace(token, sight, now)
  const isReused = isLate && tools.rules.reuseDetection
  if (isLate) {
    const reason = isReused ? 'reuse' : 'logout'
    await tools.store.sessions.end(token, { operation, scope, reason })
  }
  requireValid({ token, state, isReused })
  const ended = await tools.store.sessions.end(token, { operation, scope, reason: 'logout' })
  if (!ended) {
    // Another has ended it: seen here, it is remembered before it is told.
    await tools.store.tokens.sight(token)
    throw refusal('blacklisted', token)
  }
  return { id: token.id, user: token.user.id }
}

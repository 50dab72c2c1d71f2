import type { Grant } from '../auth.ts'
import { isPastGrace, type Sight, stateOf } from '../blacklist.ts'
import type { Token } from '../token.ts'
import { grant } from './grant.ts'
import { inspect, refusal, requireValid } from './inspect.ts'
import type { Tools } from './service.ts'

/** PATCH /auth: the token's one successor. */
export async function refresh(tools: Tools, text: string, within?: string): Promise<Grant> {
  const { token, sight, state, now } = await inspect(tools, text, within)
  const isReused = await endReused(tools, token, sight, now)
  requireValid({ token, state, isReused })

  const mark = tools.paths?.mark()
  const refreshed = await tools.store.tokens.refresh(token, {
    id: tools.newId(),
    kid: tools.ring.current.kid,
    tokenSeconds: tools.rules.tokenSeconds,
    graceSeconds: tools.rules.graceSeconds,
  })
  // Between the two looks the token may have been ended, or its grace may have run out.
  const later = tools.store.now()
  const isLate = await endReused(tools, token, refreshed.sight, later)
  requireValid({ token, state: stateOf(token, refreshed.sight, later), isReused: isLate })
  if (!refreshed.successor) throw refusal('expired', token)
  if (!refreshed.entry) await requireLiving(tools, refreshed.successor)
  return grant(tools, refreshed.successor, mark)
}

// Two parties hold the token; which one is the thief cannot be told (RFC 9700 §4.14.2).
async function endReused(tools: Tools, token: Token, sight: Sight, now: number): Promise<boolean> {
  if (!tools.rules.reuseDetection || !isPastGrace(token, sight, now)) return false
  await tools.store.sessions.end(token, {
    operation: tools.newId(),
    scope: 'session',
    reason: 'reuse',
  })
  return true
}

// The successor was handed out before, so it may have been ended since: also with its key, and signed by
// another one it would come back.
async function requireLiving(tools: Tools, successor: Token): Promise<void> {
  if (!tools.ring.find(successor.kid)) throw refusal('blacklisted', successor)
  const sight = await tools.store.tokens.sight(successor)
  const state = stateOf(successor, sight, tools.store.now())
  requireValid({ token: successor, state: state === 'invalid' ? 'blacklisted' : state })
}

import { AuthError } from '../error.ts'
import type { Invalidated, WhichLogIns } from '../operator.ts'
import { pause } from '../pause.ts'
import type { Invalidation } from '../store.ts'
import { DEFAULT_TENANT } from '../user.ts'
import { requireTenant, requireUser } from './directory.ts'
import type { Tools } from './service.ts'

/**
 * Ends every session that was opened before an instant. Sessions are dated in whole seconds, so the instant
 * is rounded up to one, and a second that is not over yet is waited for: whoever logs in after the
 * acknowledgement has a token that counts.
 */
export async function invalidate(
  tools: Tools,
  { issuedBefore, tenant, username }: WhichLogIns,
  reason: 'invalidated' | 'restored',
): Promise<Invalidated> {
  const { store, newId, rules } = tools
  await store.check()
  if (issuedBefore !== undefined && issuedBefore > store.now()) {
    throw new AuthError('request_is_invalid', { detail: 'Give an instant that is over, or "now".' })
  }
  const whom = await whomOf(tools, tenant, username)
  const before = Math.ceil((issuedBefore ?? store.now()) / 1000) * 1000
  while (store.now() < before) await pause(before - store.now())
  const { until } = await store.sessions.invalidate({
    ...whom,
    before,
    reason,
    tokenSeconds: rules.tokenSeconds,
    // Whoever remembers more than a graph that was restored beneath them forgets it.
    ...(whom.scope === 'all' && { epoch: newId() }),
    operation: newId(),
  })
  return { before, until }
}

async function whomOf(
  tools: Tools,
  tenant: string | undefined,
  username: string | undefined,
): Promise<Pick<Invalidation, 'scope' | 'id'>> {
  if (username !== undefined) {
    const { id } = await requireUser(tools, { tenant: tenant ?? DEFAULT_TENANT, username })
    return { scope: 'user', id }
  }
  if (tenant === undefined) return { scope: 'all' }
  const { id } = await requireTenant(tools, tenant)
  return { scope: 'tenant', id }
}

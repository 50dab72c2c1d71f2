import type { Context } from 'koa'
import { AuthError } from '../error.ts'

/** Why the service is not ready, one line a reason; none when it is. */
export type Readiness = () => Promise<string[]>

/** The handlers of /healthz and /readyz. */
export function healthHandlers(readiness: Readiness) {
  // GET /healthz: the process lives
  function live(ctx: Context): void {
    ctx.body = { message: 'Success' }
  }

  // GET /readyz: it can serve
  async function ready(ctx: Context): Promise<void> {
    const reasons = await readiness()
    if (reasons.length > 0) {
      ctx.state.problem = { reasons }
      throw new AuthError('service_unavailable', { detail: reasons.join(' ') })
    }
    ctx.body = { message: 'Success' }
  }

  return { live, ready }
}

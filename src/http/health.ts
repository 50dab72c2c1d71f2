import type { Context } from 'koa'
import { AuthError } from '../error.ts'
import { query } from './parameters.ts'

/** How ready the service is. */
export interface Readiness {
  /** Why it is not, a line each; none when it is. */
  reasons: string[]
  /** What is shown to those who ask for more, with ?verbose. */
  details: Record<string, unknown>
}

/** The handlers of /healthz and /readyz. */
export function healthHandlers(readiness: () => Promise<Readiness>) {
  // GET /healthz: the process lives
  function live(ctx: Context): void {
    ctx.body = { message: 'Success' }
  }

  // GET /readyz: it can serve
  async function ready(ctx: Context): Promise<void> {
    const { reasons, details } = await readiness()
    const shown = query(ctx).has('verbose') ? details : {}
    if (reasons.length > 0) {
      ctx.state.problem = { reasons, ...shown }
      throw new AuthError('service_unavailable', { detail: reasons.join(' ') })
    }
    ctx.body = { message: 'Success', ...shown }
  }

  return { live, ready }
}

import type { Context } from 'koa'
import type { Auth, Grant } from '../auth.ts'
import { AuthError } from '../error.ts'
import { withinOf } from './caller.ts'
import { tokenOf } from './credential.ts'
import { credentialsOf } from './credentials.ts'
import { optionalText } from './parameters.ts'

export interface TokenRules {
  /** Whether a token may come in the query string. */
  tokenInQuery: boolean
}

/** The handlers of /auth. */
export function authHandlers(auth: Auth, { tokenInQuery }: TokenRules) {
  // POST /auth
  async function login(ctx: Context): Promise<void> {
    const grant = await auth.login(credentialsOf(ctx))
    ctx.body = { message: 'Success', ...shown(ctx, grant) }
  }

  // GET /auth
  async function verify(ctx: Context): Promise<void> {
    const { id, user, ...verified } = await auth.verify(tokenOf(ctx, tokenInQuery), withinOf(ctx))
    ctx.state.about = { user, jti: id }
    ctx.body = verified
  }

  // PATCH /auth
  async function refresh(ctx: Context): Promise<void> {
    ctx.body = shown(ctx, await auth.refresh(tokenOf(ctx, tokenInQuery), withinOf(ctx)))
  }

  // DELETE /auth
  async function blacklist(ctx: Context): Promise<void> {
    const { id, user } = await auth.blacklist(
      tokenOf(ctx, tokenInQuery),
      scopeOf(ctx),
      withinOf(ctx),
    )
    ctx.state.about = { user, jti: id }
    ctx.body = { message: 'Success' }
  }

  return { login, verify, refresh, blacklist }
}

function shown(ctx: Context, { text, id, user, expiresAt, refreshAfter }: Grant) {
  ctx.state.about = { user, jti: id }
  return { token: text, expiresAt, refreshAfter }
}

function scopeOf(ctx: Context): 'session' | 'token' {
  const scope = optionalText(ctx, 'scope', 'request_is_invalid') ?? 'session'
  if (scope === 'session' || scope === 'token') return scope
  throw new AuthError('request_is_invalid', { detail: 'The scope is "session" or "token".' })
}

import type { Context } from 'koa'
import type { Auth } from '../auth.ts'
import { credentialsOf } from './credentials.ts'
import { optionalText } from './parameters.ts'

/** The handlers of /auth/user. */
export function userHandlers(auth: Auth) {
  // POST /auth/user
  async function register(ctx: Context): Promise<void> {
    ctx.state.about = await auth.register(credentialsOf(ctx))
    ctx.status = 201
    ctx.body = { message: 'Success' }
  }

  // PATCH /auth/user
  async function changePassword(ctx: Context): Promise<void> {
    const credentials = credentialsOf(ctx)
    const current = optionalText(ctx, 'currentPassword', 'password_validation_failed')
    ctx.state.about = await auth.changePassword(
      current === undefined ? credentials : { ...credentials, currentPassword: current },
    )
    ctx.status = 201
    ctx.body = { message: 'Success' }
  }

  return { register, changePassword }
}

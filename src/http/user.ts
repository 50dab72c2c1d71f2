import type { Context } from 'koa'
import type { Auth } from '../auth.ts'
import type { Directory, SessionStatus } from '../directory.ts'
import { credentialsOf, userNameOf } from './credentials.ts'
import { optionalText } from './parameters.ts'

/** The handlers of /auth/user. */
export function userHandlers(auth: Auth, directory: Directory) {
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

  // GET /auth/user
  async function showUser(ctx: Context): Promise<void> {
    const { id, username, status, createdAt, sessions } = await directory.showUser(userNameOf(ctx))
    ctx.state.about = { user: id }
    ctx.body = { id, username, status, createdAt, sessions }
  }

  // DELETE /auth/user
  async function deleteUser(ctx: Context): Promise<void> {
    ctx.state.about = await directory.deleteUser(userNameOf(ctx))
    ctx.body = { message: 'Success' }
  }

  // POST /auth/user/suspend
  async function suspendUser(ctx: Context): Promise<void> {
    ctx.state.about = await directory.suspendUser(userNameOf(ctx))
    ctx.body = { message: 'Success' }
  }

  // POST /auth/user/reinstate
  async function reinstateUser(ctx: Context): Promise<void> {
    ctx.state.about = await directory.reinstateUser(userNameOf(ctx))
    ctx.body = { message: 'Success' }
  }

  // GET /auth/user/sessions
  async function listSessions(ctx: Context): Promise<void> {
    const user = userNameOf(ctx)
    const [{ id, sessions: count }, sessions] = await Promise.all([
      directory.showUser(user),
      directory.listSessions(user),
    ])
    ctx.state.about = { user: id }
    ctx.body = { count, sessions: sessions.map(shown) }
  }

  // DELETE /auth/user/sessions
  async function endSessions(ctx: Context): Promise<void> {
    const session = optionalText(ctx, 'session', 'request_is_invalid')
    const except = optionalText(ctx, 'except', 'request_is_invalid')
    ctx.state.about = await directory.endSessions({
      ...userNameOf(ctx),
      ...(session !== undefined && { session }),
      ...(except !== undefined && { except }),
    })
    ctx.body = { message: 'Success' }
  }

  return {
    register,
    changePassword,
    showUser,
    deleteUser,
    suspendUser,
    reinstateUser,
    listSessions,
    endSessions,
  }
}

// The id has the name that GET /auth gives it.
function shown({ id, state, reason, createdAt, expiresAt, lastTokenExpiresAt }: SessionStatus) {
  return { session: id, state, reason, createdAt, expiresAt, lastTokenExpiresAt }
}

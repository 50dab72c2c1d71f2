import type { Context } from 'koa'
import type { Credentials } from '../auth.ts'
import type { UserName } from '../directory.ts'
import { tenantOf } from './caller.ts'
import { requiredText } from './parameters.ts'

/**
 * The username and the password of a request, in this order: the first that is missing is told; and where
 * they come from.
 */
export function credentialsOf(ctx: Context): Credentials {
  return {
    ...userNameOf(ctx),
    password: requiredText(ctx, 'password', 'password_validation_failed'),
    source: ctx.state.source,
  }
}

/** Which user a request is about. */
export function userNameOf(ctx: Context): UserName {
  return {
    ...tenantOf(ctx),
    username: requiredText(ctx, 'username', 'username_validation_failed'),
  }
}

import type { Context } from 'koa'
import type { Directory } from '../directory.ts'
import { requireUnbound } from './caller.ts'
import { requiredText } from './parameters.ts'

/** The handlers of /auth/tenant. */
export function tenantHandlers(directory: Directory) {
  // POST /auth/tenant
  async function addTenant(ctx: Context): Promise<void> {
    await directory.addTenant(nameOf(ctx))
    ctx.status = 201
    ctx.body = { message: 'Success' }
  }

  // GET /auth/tenant
  async function listTenants(ctx: Context): Promise<void> {
    requireUnbound(ctx)
    const tenants = await directory.listTenants()
    ctx.body = { tenants: tenants.map(({ id, name, status }) => ({ id, tenant: name, status })) }
  }

  // POST /auth/tenant/suspend
  async function suspendTenant(ctx: Context): Promise<void> {
    await directory.suspendTenant(nameOf(ctx))
    ctx.body = { message: 'Success' }
  }

  // POST /auth/tenant/reinstate
  async function reinstateTenant(ctx: Context): Promise<void> {
    await directory.reinstateTenant(nameOf(ctx))
    ctx.body = { message: 'Success' }
  }

  return { addTenant, listTenants, suspendTenant, reinstateTenant }
}

function nameOf(ctx: Context): string {
  requireUnbound(ctx)
  return requiredText(ctx, 'tenant', 'request_is_invalid')
}

import type { Directory, UserName, WhichSessions } from '../directory.ts'
import { AuthError } from '../error.ts'
import { parseTenantName, type Tenant } from '../tenant.ts'
import { DEFAULT_TENANT, parseUsername, type User, userKey } from '../user.ts'
import type { Tools } from './service.ts'

const MOST_SESSIONS = 1_000

/** Looks after users and tenants over a store. */
export function createDirectory(tools: Tools): Directory {
  const { store, newId, rules } = tools
  return {
    async showUser(name) {
      const shown = await store.overview.user(keyOf(name))
      if (!shown) throw new AuthError('user_does_not_exist')
      return shown
    },
    async listSessions(name) {
      await requireUser(tools, name)
      return store.overview.sessions(keyOf(name), MOST_SESSIONS)
    },
    async endSessions(which) {
      const { id } = await requireUser(tools, which)
      await endSessions(tools, id, which)
      return { user: id }
    },
    async suspendUser(name) {
      const { id } = await requireUser(tools, name)
      await store.users.suspend({ user: id, operation: newId() })
      return { user: id }
    },
    async reinstateUser(name) {
      const { id } = await requireUser(tools, name)
      if (!(await store.users.reinstate(id))) throw new AuthError('user_does_not_exist')
      return { user: id }
    },
    async deleteUser(name) {
      const { id } = await requireUser(tools, name)
      const entry = await store.users.remove({ user: id, operation: newId() })
      // Another was faster.
      if (!entry) throw new AuthError('user_does_not_exist')
      return { user: id }
    },
    async addTenant(name) {
      const tenant = { id: newId(), name: parseTenantName(name) }
      if (!(await store.tenants.add(tenant))) throw new AuthError('tenant_already_exists')
      return { ...tenant, status: 'active', generation: 0 }
    },
    listTenants: () => store.tenants.list(),
    async suspendTenant(name) {
      const { id } = await requireTenant(tools, name)
      const { sessionSeconds } = rules
      await store.tenants.suspend({ tenant: id, sessionSeconds, operation: newId() })
    },
    async reinstateTenant(name) {
      const { id } = await requireTenant(tools, name)
      await store.tenants.reinstate(id)
    },
  }
}

async function endSessions(
  { store, newId }: Tools,
  user: string,
  { session, except }: WhichSessions,
): Promise<void> {
  const ending = { user, reason: 'operator', operation: newId() } as const
  if (session !== undefined && except !== undefined) {
    throw new AuthError('request_is_invalid', { detail: 'Name one session: to end, or to keep.' })
  }
  const named = session ?? except
  if (named === undefined) {
    await store.users.endSessions(ending)
    return
  }
  const which = session === undefined ? 'others' : 'that'
  const ended = await store.users.endSome({ ...ending, session: named, which })
  if (!ended) throw new AuthError('session_does_not_exist', { about: { user } })
}

/** The tenant of that name, which lets users in. Throws tenant_does_not_exist and tenant_is_suspended. */
export async function requireActiveTenant(tools: Tools, name: string): Promise<void> {
  const { status } = await requireTenant(tools, name)
  if (status === 'suspended') throw new AuthError('tenant_is_suspended')
}

/** The tenant of that name. Throws tenant_does_not_exist. */
export async function requireTenant({ store }: Tools, name: string): Promise<Tenant> {
  const tenant = await store.tenants.find(name)
  if (!tenant) throw new AuthError('tenant_does_not_exist')
  return tenant
}

function keyOf({ tenant = DEFAULT_TENANT, username }: UserName): string {
  return userKey(tenant, parseUsername(username))
}

/** The user of that name. Throws username_validation_failed and user_does_not_exist. */
export async function requireUser({ store }: Tools, name: UserName): Promise<User> {
  const user = await store.users.find(keyOf(name))
  if (!user) throw new AuthError('user_does_not_exist')
  return user
}

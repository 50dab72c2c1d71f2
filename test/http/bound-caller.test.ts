import test from 'ava'
import type { Context } from 'koa'
import type { Caller } from '../../src/caller.ts'
import type { Directory } from '../../src/directory.ts'
import type { Code } from '../../src/error.ts'
import { userNameOf } from '../../src/http/credentials.ts'
import { tenantHandlers } from '../../src/http/tenant.ts'

const bound: Caller = {
  id: 'id',
  name: 'shop',
  scopes: ['admin', 'users'],
  tenant: { id: 'acme id', name: 'acme' },
}

/** A request as far as the parameters and the caller go. */
function requestOf(caller: Caller | undefined, fields: Record<string, string>): Context {
  const body = new Map(Object.entries(fields).map(([name, value]) => [name, [value]]))
  return { querystring: '', state: { caller, body } } as unknown as Context
}

/** Nothing of it is ever reached. */
const directory = new Proxy({} as Directory, {
  get: (_, name) => () => {
    throw new Error(`${String(name)} was asked`)
  },
})

test('a caller that is bound to a tenant does nothing with tenants, its own included', async (t) => {
  for (const handler of Object.values(tenantHandlers(directory))) {
    for (const fields of [{}, { tenant: 'acme' }, { tenant: 'other' }] as Record<
      string,
      string
    >[]) {
      const error = await t.throwsAsync(handler(requestOf(bound, fields)))
      t.is((error as Error & { code: Code }).code, 'caller_scope')
    }
  }
})

test('a caller that is bound to a tenant names its users, and no others', (t) => {
  const own = { tenant: 'acme', username: 'ada' }
  t.deepEqual(userNameOf(requestOf(bound, { username: 'ada' })), own)
  t.deepEqual(userNameOf(requestOf(bound, own)), own)
  for (const tenant of ['other', 'default', '']) {
    const error = t.throws(() => userNameOf(requestOf(bound, { username: 'ada', tenant })))
    t.is((error as Error & { code: Code }).code, 'caller_scope')
  }
  t.deepEqual(userNameOf(requestOf(undefined, { username: 'ada' })), { username: 'ada' })
})

import type { GraphCommand } from './commands.ts'
import { DONE, listed } from './outcome.ts'

/** The commands about tenants. */
export const tenantCommands: GraphCommand[] = [
  {
    words: 'tenant add',
    takes: ['TENANT'],
    options: '',
    summary: 'add a tenant: users apart from all others',
    example: 'sessiongraph tenant add acme',
    async run(operator, [name = '']) {
      const tenant = await operator.addTenant(name)
      return { ...DONE, json: tenant }
    },
  },
  {
    words: 'tenant list',
    takes: [],
    options: '',
    summary: 'every tenant, and whether it is suspended',
    example: 'sessiongraph tenant list',
    async run(operator) {
      const tenants = await operator.listTenants()
      const rows = tenants.map(({ name, status, id }) => ({ tenant: name, status, id }))
      return listed(rows, 'no tenants', tenants)
    },
  },
  {
    words: 'tenant suspend',
    takes: ['TENANT'],
    options: '',
    summary: 'end every session of its users and refuse log-ins and registrations',
    example: 'sessiongraph tenant suspend acme',
    run: doing('suspendTenant'),
  },
  {
    words: 'tenant reinstate',
    takes: ['TENANT'],
    options: '',
    summary: 'let the users of a suspended tenant log in anew',
    example: 'sessiongraph tenant reinstate acme',
    run: doing('reinstateTenant'),
  },
]

/** Does what needs nothing but the tenant's name. */
function doing(verb: 'suspendTenant' | 'reinstateTenant'): GraphCommand['run'] {
  return async (operator, [name = '']) => {
    await operator[verb](name)
    return DONE
  }
}

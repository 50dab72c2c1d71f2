import { type BlacklistEntry, decidingEntry, stateOf } from '../blacklist.ts'
import type { AuthError } from '../error.ts'
import type { Explanation, Operator } from '../operator.ts'
import { callerVerbs } from './administer-callers.ts'
import { changePassword } from './change-password.ts'
import { createDirectory } from './directory.ts'
import { invalidate } from './invalidate.ts'
import { prune } from './prune.ts'
import { register } from './register.ts'
import type { Tools } from './service.ts'

/** The operator's verbs over a store. */
export function createOperator(tools: Tools): Operator {
  const { store, rules } = tools
  // An operator has the right to: what callers are asked for or not told is not asked or hidden here.
  const trusted = {
    ...tools,
    rules: { ...rules, requireCurrentPassword: false, hideUnknownUsers: false },
  }
  return {
    ...createDirectory(tools),
    status: () => store.overview.graph(),
    addUser: (credentials) => register(trusted, credentials),
    setPassword: (credentials) => changePassword(trusted, credentials),
    ...callerVerbs(tools),
    invalidate: (which) => invalidate(tools, which, 'invalidated'),
    copyGraph: () => store.copy(),
    explainToken: (text) => explain(tools, text),
    prune: (options) => prune(tools, options),
  }
}

async function explain({ store, tokenText }: Tools, text: string): Promise<Explanation> {
  const nothing = { token: null, known: null, decidedBy: null }
  let token: Explanation['token']
  try {
    token = tokenText.read(text)
  } catch (error) {
    const { cause } = error as AuthError
    const why = `It is no token of this service: ${(cause as Error).message}.`
    return { ...nothing, state: 'invalid', why }
  }
  const sight = await store.tokens.sight(token)
  const now = store.now()
  const state = stateOf(token, sight, now)
  const decidedBy = (state === 'blacklisted' && decidingEntry(token, sight, now)) || null
  const why = {
    valid: 'The graph holds it, and nothing on its path has ended.',
    expired: `Its time was over at ${new Date(token.expiresAt).toISOString()}.`,
    blacklisted: `An entry about ${decidedBy && whomOf(decidedBy)} is in force (${decidedBy?.reason}).`,
    invalid: 'The graph does not know it: it was pruned, or the graph is another one.',
  }
  return { state, why: why[state], token, known: sight.known, decidedBy }
}

function whomOf({ scope, before }: BlacklistEntry): string {
  const whom = scope === 'all' ? 'everyone' : `its ${scope}`
  return before === null ? whom : `${whom} who logged in before ${new Date(before).toISOString()}`
}

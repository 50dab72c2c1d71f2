import { decidingEntry, stateOf } from '../blacklist.ts'
import { AuthError } from '../error.ts'
import type { Explanation, Operator } from '../operator.ts'
import { DEFAULT_TENANT, parseUsername, type User, userKey } from '../user.ts'
import { changePassword } from './change-password.ts'
import { prune } from './prune.ts'
import { register } from './register.ts'
import type { Tools } from './service.ts'

const MOST_SESSIONS = 1_000

/** The operator's verbs over a store. */
export function createOperator(tools: Tools): Operator {
  const { store, rules } = tools
  // An operator has the right to: what callers are asked for or not told is not asked or hidden here.
  const trusted = {
    ...tools,
    rules: { ...rules, requireCurrentPassword: false, hideUnknownUsers: false },
  }
  return {
    status: () => store.overview.graph(),
    addUser: (credentials) => register(trusted, credentials),
    setPassword: (credentials) => changePassword(trusted, credentials),
    async showUser(username) {
      const shown = await store.overview.user(keyOf(username))
      if (!shown) throw new AuthError('user_does_not_exist')
      return shown
    },
    async listSessions(username) {
      const { key } = await requireUser(tools, username)
      return store.overview.sessions(key, MOST_SESSIONS)
    },
    async endSessions(username) {
      const { user } = await requireUser(tools, username)
      const operation = tools.newId()
      await store.users.endSessions({ user: user.id, reason: 'operator', operation })
    },
    explainToken: (text) => explain(tools, text),
    prune: (options) => prune(tools, options),
  }
}

function keyOf(username: string): string {
  return userKey(DEFAULT_TENANT, parseUsername(username))
}

async function requireUser(
  { store }: Tools,
  username: string,
): Promise<{ key: string; user: User }> {
  const key = keyOf(username)
  const user = await store.users.find(key)
  if (!user) throw new AuthError('user_does_not_exist')
  return { key, user }
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
    blacklisted: `An entry about its ${decidedBy?.scope} is in force (${decidedBy?.reason}).`,
    invalid: 'The graph does not know it: it was pruned, or the graph is another one.',
  }
  return { state, why: why[state], token, known: sight.known, decidedBy }
}

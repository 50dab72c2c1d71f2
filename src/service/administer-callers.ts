import { parseCallerName, parseScopes } from '../caller.ts'
import { AuthError } from '../error.ts'
import type { CallerToAdd, KeyRotation, MadeKey, Operator } from '../operator.ts'
import type { Tools } from './service.ts'

const DAY_SECONDS = 86_400
/** An old key goes on to count for a month at the most. */
const MOST_OVERLAP_SECONDS = 30 * DAY_SECONDS

type CallerVerbs = Pick<Operator, 'addCaller' | 'listCallers' | 'rotateCaller' | 'revokeCaller'>

/** What an operator does with callers. */
export function callerVerbs(tools: Tools): CallerVerbs {
  const { callers } = tools.store
  return {
    addCaller: (caller) => add(tools, caller),
    listCallers: () => callers.list(),
    rotateCaller: (rotation) => rotate(tools, rotation),
    async revokeCaller(name) {
      const { id } = await requireCaller(tools, name)
      await callers.revoke({ caller: id, operation: tools.newId() })
    },
  }
}

async function add({ store, apiKeys, newId }: Tools, caller: CallerToAdd): Promise<MadeKey> {
  const { tenant = null, certificate = false } = caller
  const name = parseCallerName(caller.name)
  const scopes = parseScopes(caller.scopes)
  const made = certificate ? null : apiKeys.make()
  const key = made && { id: made.id, hash: made.hash }
  const isAdded = await store.callers.add({ id: newId(), name, scopes, tenant, key })
  if (!isAdded) throw new AuthError('caller_already_exists')
  return { name, key: made?.text ?? null }
}

async function rotate(tools: Tools, rotation: KeyRotation): Promise<MadeKey> {
  const { name, overlapSeconds = DAY_SECONDS } = rotation
  if (
    !Number.isInteger(overlapSeconds) ||
    overlapSeconds < 0 ||
    overlapSeconds > MOST_OVERLAP_SECONDS
  ) {
    throw new AuthError('request_is_invalid', {
      detail: `The overlap is 0 to ${MOST_OVERLAP_SECONDS} whole seconds.`,
    })
  }
  const { id: caller, certificate } = await requireCaller(tools, name)
  if (certificate) {
    throw new AuthError('request_is_invalid', {
      detail: 'This caller proves itself by certificate and has no key: issue it another one.',
    })
  }
  const { id, hash, text } = tools.apiKeys.make()
  const entries = await tools.store.callers.rotate({ caller, key: { id, hash }, overlapSeconds })
  if (!entries) throw new AuthError('caller_does_not_exist')
  return { name, key: text }
}

async function requireCaller({ store }: Tools, name: string) {
  const caller = await store.callers.find(name)
  if (!caller) throw new AuthError('caller_does_not_exist')
  return caller
}

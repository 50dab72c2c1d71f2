import { keyIdOf } from '../api-key.ts'
import { isCallerEnded } from '../blacklist.ts'
import type { Caller, CallerAuth } from '../caller.ts'
import { AuthError } from '../error.ts'
import type { Tools } from './service.ts'

/** How long a caller is remembered before the graph is asked again, in ms. */
const REMEMBERED_MS = 600_000

interface Limits {
  /** A clock that never steps, in ms. */
  monotonic(): number
  /** How many keys and certificates are remembered at the most, each; the oldest go. */
  most?: number
}

interface Known {
  caller: Caller
  /** The key's id; for a certificate the caller's once more. */
  key: string
  until: number | null
  /** When the graph was asked, on the process's monotonic clock and in the graph's time, in ms. */
  asked: { monotonic: number; graph: number }
  /** Which graph was asked. */
  mark: number
}

/**
 * Tells callers by memory: what the graph said of a key, and that the blacklist has nothing about the
 * key or its caller since. Only keys that count enter, so nothing grows with guesses.
 */
export function createCallerAuth(
  { store, paths, apiKeys }: Tools,
  { monotonic, most = 1_000 }: Limits,
): CallerAuth {
  const keys = new Map<string, Known>()
  const names = new Map<string, Known>()

  /** Whether a caller still counts; undefined where only the graph can tell. */
  function counts({ caller, key, until, asked, mark }: Known): boolean | undefined {
    const entries = paths?.entries(caller.id, key)
    if (entries === undefined || mark !== paths?.mark()) return undefined
    const now = store.now()
    if (now - asked.graph > REMEMBERED_MS) return undefined
    if (monotonic() - asked.monotonic > REMEMBERED_MS) return undefined
    if (until !== null && until <= now) return false
    return entries.length === 0 || !isCallerEnded(entries, now)
  }

  function recalled(known: Known | undefined): Caller | undefined {
    return known && counts(known) ? known.caller : undefined
  }

  function remember(cache: Map<string, Known>, text: string, known: Known): Caller {
    cache.delete(text)
    cache.set(text, known)
    if (cache.size > most) cache.delete(cache.keys().next().value as string)
    return known.caller
  }

  function asking(): Pick<Known, 'asked' | 'mark'> {
    const asked = { monotonic: monotonic(), graph: store.now() }
    return { asked, mark: paths?.mark() ?? 0 }
  }

  const askKey = together(async (text) => {
    const circumstances = asking()
    const held = await store.callers.byKey(keyIdOf(text) as string)
    const counts = held && (held.until === null || held.until > store.now())
    if (!counts || !apiKeys.matches(text, held.hash)) {
      keys.delete(text)
      throw new AuthError('caller_unknown')
    }
    const { caller, id: key, until } = held
    return remember(keys, text, { caller, key, until, ...circumstances })
  })

  const askName = together(async (name) => {
    const circumstances = asking()
    const caller = await store.callers.byCertificate(name)
    if (!caller) {
      names.delete(name)
      throw new AuthError('caller_unknown')
    }
    return remember(names, name, { caller, key: caller.id, until: null, ...circumstances })
  })

  return {
    recall: (key) => recalled(keys.get(key)),
    async identify(key) {
      if (keyIdOf(key) === undefined) throw new AuthError('caller_unknown')
      const known = keys.get(key)
      const isGood = known && counts(known)
      if (isGood) return known.caller
      // A key that has ended never counts again; nobody has to ask.
      if (isGood === false) throw new AuthError('caller_unknown')
      return askKey(key)
    },
    recallCertified: (name) => recalled(names.get(name)),
    // A name that was revoked may have been given anew.
    identifyCertified: async (name) => recalled(names.get(name)) ?? askName(name),
  }
}

/**
 * Asks once for all who want to know the same. Who comes while a question is under way waits for the
 * next one: an answer is never older than the request for it.
 */
function together<T>(ask: (text: string) => Promise<T>): (text: string) => Promise<T> {
  const running = new Map<string, Promise<T>>()
  const waiting = new Map<string, Promise<T>>()

  function begin(text: string): Promise<T> {
    waiting.delete(text)
    const asked = ask(text)
    running.set(text, asked)
    const end = () => running.get(text) === asked && running.delete(text)
    asked.then(end, end)
    return asked
  }

  return (text) => {
    const before = running.get(text)
    if (before === undefined) return begin(text)
    const next = waiting.get(text) ?? before.then(ended, ended)
    waiting.set(text, next)
    return next

    function ended(): Promise<T> {
      return begin(text)
    }
  }
}

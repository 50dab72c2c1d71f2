import { hash } from 'node:crypto'
import type { BlacklistEntry, Sight } from '../blacklist.ts'
import type { Store } from '../store.ts'
import type { Token } from '../token.ts'
import type { Checked, CheckedTokens } from './checked-tokens.ts'
import type { Follower } from './follower.ts'
import type { KnownTokens } from './known-tokens.ts'
import type { BlacklistMemory } from './memory.ts'

/** The live paths of tokens in memory: what was checked before need not be asked again. */
export interface LivePaths {
  /** Whether memory is to be trusted now. */
  isTrusted(): boolean
  /** The token of a text that was checked before; its form, signature and claims stay what they are. */
  checked(text: string): Checked | undefined
  /**
   * What memory says of a token whose signature was checked; undefined where the graph has to be asked:
   * it is not known, or memory is not to be trusted now. Whoever has its turn saves the look-up.
   */
  sight(token: Token, turn?: number): Sight | undefined
  /** What memory says about any of two ids; undefined when it is not to be trusted now. */
  entries(one: string, other: string): readonly BlacklistEntry[] | undefined
  /** Which graph and which keys count now: to be read before anything that `remember` is told. */
  mark(): number
  /** Remembers a valid token, unless another graph or other keys count since that mark. */
  remember(text: string, token: Token, mark: number): void
  /** Forgets every text that was checked, and what is being checked now: a key is gone. */
  dropChecked(): void
  forget(text: string, token: Token): void
  /** Counts a token that memory was asked about: was its text found, and was the graph left alone? */
  count(isChecked: boolean, isKnown: boolean): void
  /** What was counted so far. */
  counts: { asked: number; checked: number; known: number }
}

interface Parts {
  memory: BlacklistMemory
  checked: CheckedTokens
  known: KnownTokens
  follower: Pick<Follower, 'isTrusted'>
}

export function createLivePaths({ memory, checked, known, follower }: Parts): LivePaths {
  const counts = { asked: 0, checked: 0, known: 0 }

  // Both only rise, so that their sum is another one whenever either is.
  function mark(): number {
    return known.generation + checked.generation
  }

  return {
    counts,
    isTrusted: follower.isTrusted,
    checked: checked.get,
    sight(token, turn = known.turn(pathKey(token))) {
      if (!known.isHeld(turn) || !follower.isTrusted()) return undefined
      return { known: true, entries: memory.about(token) }
    },
    entries(one, other) {
      if (!follower.isTrusted()) return undefined
      const first = memory.of(one)
      const second = memory.of(other)
      if (second.length === 0) return first
      return first.length === 0 ? second : [...first, ...second]
    },
    dropChecked: checked.clear,
    mark,
    remember(text, token, at) {
      if (at !== mark()) return
      checked.add({ text, token, turn: known.add(pathKey(token)), shown: undefined })
    },
    forget(text, token) {
      checked.remove(text)
      known.remove(pathKey(token))
    },
    count(isChecked, isKnown) {
      counts.asked += 1
      if (isChecked) counts.checked += 1
      if (isKnown) counts.known += 1
    },
  }
}

// All that the graph was asked about: a known id that is signed with another path is not known for it.
function pathKey({ tenant, user, sessions, id }: Token): string {
  return hash('sha256', [tenant.id, user.id, ...sessions, id].join(' '), 'base64url').slice(0, 22)
}

/**
 * The store, with the entries of this process's own writes, and those that it is shown with a token,
 * remembered before anybody is told: what was refused once must not be valid a moment later, by a memory
 * that has not read that far in the feed.
 */
export function rememberEntries(
  store: Store,
  memory: Pick<BlacklistMemory, 'add'>,
  { isTrusted }: Pick<Follower, 'isTrusted'>,
): Store {
  const { tenants, users, sessions, tokens, callers } = store
  return {
    ...store,
    users: {
      ...users,
      async changePassword(change) {
        return remembered(await users.changePassword(change))
      },
      async endSessions(ending) {
        return remembered(await users.endSessions(ending))
      },
      async endSome(ending) {
        const ended = await users.endSome(ending)
        ended?.forEach(remembered)
        return ended
      },
      async suspend(ending) {
        return remembered(await users.suspend(ending))
      },
      async remove(ending) {
        return remembered(await users.remove(ending))
      },
    },
    tenants: {
      ...tenants,
      async suspend(suspension) {
        return remembered(await tenants.suspend(suspension))
      },
    },
    sessions: {
      ...sessions,
      async open(session) {
        const opened = await sessions.open(session)
        opened?.ended.forEach(remembered)
        return opened
      },
      async end(token, how) {
        return remembered(await sessions.end(token, how))
      },
      async invalidate(invalidation) {
        return remembered(await sessions.invalidate(invalidation))
      },
    },
    tokens: {
      ...tokens,
      async sight(token) {
        return seen(await tokens.sight(token))
      },
      async refresh(token, next) {
        const refreshed = await tokens.refresh(token, next)
        remembered(refreshed.entry)
        seen(refreshed.sight)
        return refreshed
      },
    },
    callers: {
      ...callers,
      async rotate(rotation) {
        const entries = await callers.rotate(rotation)
        entries?.forEach(remembered)
        return entries
      },
      async revoke(revocation) {
        return remembered(await callers.revoke(revocation))
      },
    },
  }

  // A memory that is not trusted is not asked, and must not grow past its bound.
  function seen(sight: Sight): Sight {
    if (sight.entries.length > 0 && isTrusted()) sight.entries.forEach(remembered)
    return sight
  }

  function remembered<T extends Parameters<BlacklistMemory['add']>[0] | undefined>(entry: T): T {
    if (entry) memory.add(entry)
    return entry
  }
}

import type { BlacklistEntry, Sight } from '../blacklist.ts'
import type { Store } from '../store.ts'
import type { Token } from '../token.ts'
import type { Follower } from './follower.ts'
import type { BlacklistMemory, KnownTokens } from './memory.ts'

/** The live paths of tokens in memory: what was checked before need not be asked again. */
export interface LivePaths {
  /** Whether memory is to be trusted now. */
  isTrusted(): boolean
  /** The token of a text that was checked before; its form, signature and claims stay what they are. */
  token(text: string): Token | undefined
  /** What memory says of a token of `token`; undefined when memory is not to be trusted now. */
  sight(token: Token): Sight | undefined
  /** What memory says about any of two ids; undefined when it is not to be trusted now. */
  entries(one: string, other: string): readonly BlacklistEntry[] | undefined
  /** Which graph is followed now: to be read before the graph is asked about what `remember` is told. */
  mark(): number
  /** Remembers a token that the graph holds, unless another graph is followed since that mark. */
  remember(text: string, token: Token, mark: number): void
  forget(text: string): void
  /** Forgets every text that was checked, and what is being checked now: a key is gone. */
  dropChecked(): void
  /** How many tokens memory was asked about so far, and for how many it was enough. */
  counts: { asked: number; enough: number }
}

interface Parts {
  memory: BlacklistMemory
  known: KnownTokens
  follower: Pick<Follower, 'isTrusted'>
}

export function createLivePaths({ memory, known, follower }: Parts): LivePaths {
  const counts = { asked: 0, enough: 0 }
  return {
    counts,
    isTrusted: follower.isTrusted,
    token(text) {
      counts.asked += 1
      return known.get(text)
    },
    sight(token) {
      if (!follower.isTrusted()) return undefined
      counts.enough += 1
      return { known: true, entries: memory.about(token) }
    },
    entries(one, other) {
      if (!follower.isTrusted()) return undefined
      const first = memory.of(one)
      const second = memory.of(other)
      if (second.length === 0) return first
      return first.length === 0 ? second : [...first, ...second]
    },
    mark: () => known.generation,
    remember(text, token, mark) {
      if (mark === known.generation) known.add(text, token)
    },
    forget: known.remove,
    dropChecked: known.clear,
  }
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
        for (const entry of entries ?? []) memory.add(entry)
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

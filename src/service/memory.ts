import { type BlacklistEntry, EVERYONE } from '../blacklist.ts'
import type { Token } from '../token.ts'

/** The blacklist in memory, by the ids that its entries are about. */
export interface BlacklistMemory {
  readonly size: number
  /** Adds an entry; one that is there already changes nothing. */
  add(entry: BlacklistEntry): void
  /** What is remembered about a token's path. */
  about(token: Token): BlacklistEntry[]
  /** What is remembered about one id. */
  of(id: string): readonly BlacklistEntry[]
  /** Lets go of entries whose last token is expired at an instant (ms): they decide nothing any more. */
  dropSpent(now: number): void
  clear(): void
  /** Everything that is remembered. */
  all(): BlacklistEntry[]
}

/** Other clocks may lag: an entry is let go so long after its last token has expired, in ms. */
export const SPENT_MS = 60_000

const NOTHING: BlacklistEntry[] = []

export function createBlacklistMemory(): BlacklistMemory {
  const byId = new Map<string, BlacklistEntry[]>()
  let size = 0

  function collect(found: BlacklistEntry[], id: string): BlacklistEntry[] {
    const entries = byId.get(id)
    if (entries === undefined) return found
    return found === NOTHING ? entries : [...found, ...entries]
  }

  return {
    get size() {
      return size
    },
    add(entry) {
      const entries = byId.get(entry.id)
      if (entries === undefined) byId.set(entry.id, [entry])
      else if (entries.some(({ seq }) => seq === entry.seq)) return
      else byId.set(entry.id, [...entries, entry])
      size += 1
    },
    about(token) {
      let found = collect(NOTHING, EVERYONE)
      found = collect(found, token.tenant.id)
      found = collect(found, token.user.id)
      for (const session of token.sessions) found = collect(found, session)
      return collect(found, token.id)
    },
    of: (id) => byId.get(id) ?? NOTHING,
    dropSpent(now) {
      for (const [id, entries] of byId) {
        const left = entries.filter(({ until }) => until > now)
        if (left.length === entries.length) continue
        size -= entries.length - left.length
        if (left.length === 0) byId.delete(id)
        else byId.set(id, left)
      }
    },
    clear() {
      byId.clear()
      size = 0
    },
    all: () => [...byId.values()].flat(),
  }
}

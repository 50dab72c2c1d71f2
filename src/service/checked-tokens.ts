import type { Token } from '../token.ts'

/** A token that turned out valid. */
export interface Checked {
  text: string
  token: Token
  /** Its turn among the known ones. */
  turn: number
  /** What a verify shows of it, once one has: it never changes. */
  shown: unknown
}

/**
 * Tokens by their text, whose form, signature and claims need not be checked again; past the bound the
 * oldest go, and are simply checked anew.
 */
export interface CheckedTokens {
  readonly size: number
  /** How often it has been cleared. */
  readonly generation: number
  get(text: string): Checked | undefined
  add(checked: Checked): void
  remove(text: string): void
  /** For when a key no longer counts: what it signed is checked anew. */
  clear(): void
}

// Of a whole text the hash alone would take a verify longer than all else that is done here. The end is
// of the signature: no two texts that were checked have the same.
const TAIL = 22

export function createCheckedTokens(most: number): CheckedTokens {
  const byTail = new Map<string, Checked>()
  let generation = 0
  // Kept, since a new one would step over all that went before: 25 us each at 100,000 tokens.
  let oldest: MapIterator<string> | undefined
  return {
    get size() {
      return byTail.size
    },
    get generation() {
      return generation
    },
    get(text) {
      const checked = byTail.get(text.slice(-TAIL))
      return checked?.text === text ? checked : undefined
    },
    add({ text, ...about }) {
      byTail.set(ownCopy(text.slice(-TAIL)), { text: ownCopy(text), ...about })
      if (byTail.size <= most) return
      oldest ??= byTail.keys()
      byTail.delete(oldest.next().value as string)
    },
    remove(text) {
      const tail = text.slice(-TAIL)
      if (byTail.get(tail)?.text === text) byTail.delete(tail)
    },
    clear() {
      byTail.clear()
      oldest = undefined
      generation += 1
    },
  }
}

// What was cut out of a header or a body keeps all of it in memory.
function ownCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

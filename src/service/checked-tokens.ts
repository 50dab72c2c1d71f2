import type { Verified } from '../auth.ts'
import type { Token } from '../token.ts'

/** A token that turned out valid. */
export interface Checked {
  token: Token
  /** Its turn among the known ones. */
  turn: number
  /** What a verify says of it, once one has: it never changes. */
  verified: Verified | undefined
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
  add(text: string, checked: Checked): void
  remove(text: string): void
  /** For when a key no longer counts: what it signed is checked anew. */
  clear(): void
}

export function createCheckedTokens(most: number): CheckedTokens {
  const byText = new Map<string, Checked>()
  let generation = 0
  // Kept, since a new one would step over all that went before: 25 us each at 100,000 tokens.
  let oldest: MapIterator<string> | undefined
  return {
    get size() {
      return byText.size
    },
    get generation() {
      return generation
    },
    get: (text) => byText.get(text),
    add(text, checked) {
      byText.set(ownCopy(text), checked)
      if (byText.size <= most) return
      oldest ??= byText.keys()
      byText.delete(oldest.next().value as string)
    },
    remove: (text) => byText.delete(text),
    clear() {
      byText.clear()
      oldest = undefined
      generation += 1
    },
  }
}

// What was cut out of a header or a body keeps all of it in memory.
function ownCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

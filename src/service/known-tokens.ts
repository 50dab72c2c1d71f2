/**
 * The keys, of 128 bits as base64url, of tokens that the graph was seen to hold; past the bound the oldest
 * go, and the graph is simply asked again. A key is enough: it stands for the token's id and its path, and
 * only a token whose signature was checked is looked up.
 */
export interface KnownTokens {
  readonly size: number
  /** How often it has been cleared. */
  readonly generation: number
  /** Remembers a key, and gives its turn. */
  add(key: string): number
  /** The turn of a key; 0 if it is not known. */
  turn(key: string): number
  /** Whether a turn is not over: a comparison, where `turn` is a look-up. */
  isHeld(turn: number): boolean
  remove(key: string): void
  clear(): void
}

// 128 bits.
const WORDS = 4

/**
 * Keys in a ring, each at the place of its turn, found by chains of places: 25 bytes a key. A Set of a
 * million takes 80 each, three times that of resident memory, and 140 ms at a stroke when it grows.
 */
export function createKnownTokens(most: number): KnownTokens {
  // Place 0 is none. Memory is taken page by page, as places are used.
  const keys = new Uint32Array((most + 1) * WORDS)
  const next = new Uint32Array(most + 1)
  const first = new Uint32Array(2 ** Math.ceil(Math.log2(most + 1)))
  const words = new Uint32Array(WORDS)
  const bytes = Buffer.from(words.buffer)
  let generation = 0
  let size = 0
  let turns = 0
  /** The last turn that is over. */
  let over = 0

  // Keys are as good as random: any of their bits will do.
  function chainOf(word: number | undefined): number {
    return (word as number) & (first.length - 1)
  }

  function find(key: string): number {
    bytes.write(key, 'base64url')
    let place = first[chainOf(words[0])] as number
    while (place !== 0 && !isAt(place * WORDS)) place = next[place] as number
    return place
  }

  function isAt(start: number): boolean {
    for (let i = 0; i < WORDS; i += 1) if (keys[start + i] !== words[i]) return false
    return true
  }

  function unlink(place: number): void {
    const chain = chainOf(keys[place * WORDS])
    let before = 0
    let at = first[chain] as number
    while (at !== 0 && at !== place) {
      before = at
      at = next[at] as number
    }
    if (at === 0) return
    if (before === 0) first[chain] = next[place] as number
    else next[before] = next[place] as number
    size -= 1
  }

  function turnAt(place: number): number {
    return turns - ((turns - place + 1) % most)
  }

  return {
    get size() {
      return size
    },
    get generation() {
      return generation
    },
    add(key) {
      const there = find(key)
      if (there !== 0) return turnAt(there)
      if (most === 0) return 0
      turns += 1
      const place = (turns % most) + 1
      unlink(place)
      over = Math.max(over, turns - most)
      keys.set(words, place * WORDS)
      const chain = chainOf(words[0])
      next[place] = first[chain] as number
      first[chain] = place
      size += 1
      return turns
    },
    turn(key) {
      const place = find(key)
      return place === 0 ? 0 : turnAt(place)
    },
    isHeld: (turn) => turn > over,
    remove(key) {
      const place = find(key)
      if (place !== 0) unlink(place)
    },
    clear() {
      first.fill(0)
      over = turns
      size = 0
      generation += 1
    },
  }
}

import { createHmac, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'

/** What a key may be for; RSASSA-PKCS1-v1_5 (RS256) is disallowed by ASVS 5, appendix C. */
export const algorithms = ['HS256', 'ES256', 'PS256'] as const
export type Algorithm = (typeof algorithms)[number]

/** All of them verify; `next` does not sign yet, `previous` signs no new tokens any more. */
export const keyStates = ['next', 'current', 'previous'] as const
export type KeyState = (typeof keyStates)[number]

/** A key and the one algorithm it is for (RFC 8725 §3.1). */
export interface SigningKey {
  kid: string
  algorithm: Algorithm
  state: KeyState
  /** In ms; null where nobody wrote it down. */
  madeAt: number | null
  signs: KeyObject
  /** The public half; for HS256 the same key. */
  verifies: KeyObject
}

export interface KeyRing {
  /** The key that signs what is issued now. */
  readonly current: SigningKey
  readonly all: readonly SigningKey[]
  /** The key of that id, which is the sender's word: a look-up in a fixed map and nothing else. */
  find(kid: string): SigningKey | undefined
  /** The public keys as JWKs (RFC 7517); a secret one is never among them. */
  publicKeys(): readonly JsonWebKey[]
}

/** What came of replacing the keys of a ring. */
export interface Replaced {
  isChanged: boolean
  /** Kids whose tokens no longer verify: their key is gone, or another one has its name. */
  gone: string[]
}

/** A ring whose keys can be replaced while it is in use. */
export interface ReplaceableKeyRing extends KeyRing {
  replace(keys: readonly SigningKey[]): Replaced
}

/** A ring of keys of which exactly one is current, each with a kid of its own. */
export function keyRingOf(keys: readonly SigningKey[]): ReplaceableKeyRing {
  let all = keys
  let current = currentOf(keys)
  let byKid = new Map(keys.map((key) => [key.kid, key]))
  let published = keys.flatMap(publicKeyOf)
  return {
    get current() {
      return current
    },
    get all() {
      return all
    },
    find: (kid) => byKid.get(kid),
    publicKeys: () => published,
    replace(next) {
      const coming = new Map(next.map((key) => [key.kid, key]))
      const gone = all.filter((key) => !isSameKey(key, coming.get(key.kid))).map(({ kid }) => kid)
      const isChanged =
        gone.length > 0 ||
        next.length !== all.length ||
        next.some(({ kid, state }) => byKid.get(kid)?.state !== state)
      current = currentOf(next)
      all = next
      byKid = coming
      published = next.flatMap(publicKeyOf)
      return { isChanged, gone }
    },
  }
}

/** A ring of one HS256 key. Its kid follows from the secret, so replicas agree on it. */
export function createKeyRing(secret: string): ReplaceableKeyRing {
  const key = createSecretKey(Buffer.from(secret, 'utf8'))
  const kid = kidOfSecret(secret)
  const one = { kid, algorithm: 'HS256', state: 'current', madeAt: null } as const
  return keyRingOf([{ ...one, signs: key, verifies: key }])
}

/** The kid of a secret that is a ring of one. */
export function kidOfSecret(secret: string): string {
  return createHmac('sha256', secret).update('sessiongraph kid').digest('base64url').slice(0, 16)
}

function currentOf(keys: readonly SigningKey[]): SigningKey {
  const current = keys.find(({ state }) => state === 'current')
  if (!current) throw new TypeError('a ring without a current key')
  return current
}

function isSameKey(one: SigningKey, other: SigningKey | undefined): boolean {
  return other?.algorithm === one.algorithm && other.verifies.equals(one.verifies)
}

function publicKeyOf({ kid, algorithm, verifies }: SigningKey): JsonWebKey[] {
  if (verifies.type !== 'public') return []
  return [{ ...verifies.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' }]
}

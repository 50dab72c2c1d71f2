import { createHmac, createSecretKey, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import type { NewId } from './id.ts'

/** A key that was just made. */
export interface ApiKey {
  id: string
  /** For its holder only; kept nowhere. */
  text: string
  /** What is stored of it. */
  hash: string
}

/** Makes and checks the keys by which callers prove themselves. */
export interface ApiKeys {
  make(): ApiKey
  /** Whether a stored hash is that of a key, in a time that does not depend on where they differ. */
  matches(text: string, hash: string): boolean
}

/** The id in the text of a key; undefined for what has not the form of one. */
export function keyIdOf(text: string): string | undefined {
  return /^sgk_([A-Za-z0-9_-]{22})_[A-Za-z0-9_-]{43}$/.exec(text)?.[1]
}

/**
 * Keys are `sgk_ID_SECRET`: the prefix tells scanners of leaked secrets what they have found, and 256
 * random bits need no slow hash. Stored is an HMAC-SHA-256 over the whole text, so that only its one
 * spelling counts, under a secret that the graph does not hold.
 */
export function createApiKeys(secret: string | Uint8Array, newId: NewId): ApiKeys {
  const key = createSecretKey(typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret)

  function digest(text: string): Buffer {
    return createHmac('sha256', key).update(text).digest()
  }

  return {
    make() {
      const id = newId()
      const text = `sgk_${id}_${randomBytes(32).toString('base64url')}`
      return { id, text, hash: digest(text).toString('base64url') }
    },
    matches(text, hash) {
      const stored = Buffer.from(hash, 'base64url')
      const own = digest(text)
      return stored.length === own.length && timingSafeEqual(stored, own)
    },
  }
}

/** A secret for the hashes of keys from the one that signs tokens (RFC 5869): neither tells the other. */
export function deriveApiKeySecret(signingSecret: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', signingSecret, '', 'sessiongraph api keys', 32))
}

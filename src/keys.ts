import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

/** A key and the one algorithm it is for (RFC 8725 §3.1). */
export interface SigningKey {
  kid: string
  algorithm: 'HS256'
  key: KeyObject
}

export interface KeyRing {
  /** The key that signs what is issued now. */
  current: SigningKey
  /** The key of that id, which is the sender's word: a look-up in a fixed map and nothing else. */
  find(kid: string): SigningKey | undefined
}

/** A ring of one HS256 key. Its kid follows from the secret, so replicas agree on it. */
export function createKeyRing(secret: string): KeyRing {
  const key = createSecretKey(Buffer.from(secret, 'utf8'))
  const kid = createHmac('sha256', key).update('sessiongraph kid').digest('base64url').slice(0, 16)
  const current: SigningKey = { kid, algorithm: 'HS256', key }
  return { current, find: (id) => (id === kid ? current : undefined) }
}

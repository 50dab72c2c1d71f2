import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { Jwk } from '../../src/key-set.ts'
import { parseKeySet } from '../../src/key-set.ts'
import type { Algorithm, SigningKey } from '../../src/keys.ts'

// Slow to make, and no test minds whose it is: one pool for each process of tests.
const moduli = new Map<number, Jwk>()

/** The private members of an RSA key of that many bits, always the same ones. */
export function rsaJwk(bits = 3072): Jwk {
  const jwk = moduli.get(bits) ?? freshRsaJwk(bits)
  moduli.set(bits, jwk)
  return { ...jwk }
}

export function freshRsaJwk(modulusLength = 3072, publicExponent = 0x10001): Jwk {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent })
  return privateKey.export({ format: 'jwk' }) as Jwk
}

/** The private members of a new key of a curve. */
export function ecJwk(namedCurve = 'P-256'): Jwk {
  return generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'jwk' }) as Jwk
}

export function octJwk(size = 32): Jwk {
  return { kty: 'oct', k: randomBytes(size).toString('base64url') }
}

const materials: Record<Algorithm, () => Jwk> = {
  HS256: octJwk,
  ES256: ecJwk,
  PS256: freshRsaJwk,
}

/** A private key as the key file holds it. */
export function keyJwk(alg: Algorithm, kid: string, state = 'current', others: Jwk = {}): Jwk {
  return { kid, alg, state, ...materials[alg](), ...others }
}

export function keySetText(...keys: unknown[]): string {
  return JSON.stringify({ keys })
}

/** What a ring is made of. */
export function keysOf(...jwks: Jwk[]): SigningKey[] {
  return parseKeySet(keySetText(...jwks)).keys
}

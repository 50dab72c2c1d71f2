import {
  constants,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { parseObject } from './json.ts'
import { type Algorithm, algorithms, keyStates, type SigningKey } from './keys.ts'

/** A JWK as it is written (RFC 7517 §4). */
export type Jwk = Record<string, unknown>

/** A private JWKS (RFC 7517 §5) whose keys each have a kid, an alg and a state. */
export interface KeySet {
  /** As it is written, members that nobody here knows included. */
  document: Jwk & { keys: Jwk[] }
  keys: SigningKey[]
}

/** All that is wrong with a key set or with what is to be done to it, a line each. */
export class KeySetError extends Error {
  readonly mistakes: string[]

  constructor(mistakes: string[]) {
    super(mistakes.join('\n'))
    this.name = 'KeySetError'
    this.mistakes = mistakes
  }
}

/** Where a key set is kept. Each call throws a KeySetError for what cannot be done. */
export interface KeyFile {
  read(): KeySet
  /** Makes the file; one that is there is not overwritten. */
  create(text: string): Promise<KeySet>
  /** Puts another text in the place of the one it has, whole or not at all, one editor at a time. */
  edit(change: (text: string) => string): Promise<KeySet>
}

const KID = /^[A-Za-z0-9._-]{1,128}$/
const TYPES = { HS256: 'oct', ES256: 'EC', PS256: 'RSA' } as const satisfies Record<
  Algorithm,
  string
>
// 128 bits of strength (ASVS 5, 11.2.3). A longer modulus makes a token of over 4 KiB.
const LEAST_BYTES = 32
const LEAST_BITS = 3072
const MOST_BITS = 8192
// The last instant that a Date can hold.
const LAST_MS = 8_640_000_000_000_000

/**
 * Reads a key set. Throws a KeySetError with every mistake; a line names a kid, or else the place of the
 * key, and never a value.
 */
export function parseKeySet(text: string): KeySet {
  const document = documentOf(text)
  const mistakes: string[] = []
  const keys = document.keys.flatMap((jwk, i) => {
    const read = readKey(jwk)
    mistakes.push(...read.mistakes.map((mistake) => `key ${nameOf(jwk, i)} must ${mistake}`))
    return read.key ?? []
  })
  mistakes.push(...together(document.keys), ...twins(keys))
  if (mistakes.length > 0) throw new KeySetError(mistakes)
  return { document, keys }
}

// What JSON.parse says of a broken text quotes it.
function documentOf(text: string): KeySet['document'] {
  let document: Jwk
  try {
    document = parseObject(text)
  } catch {
    throw new KeySetError(['must hold a JSON object, with no member given twice'])
  }
  const { keys } = document
  if (!Array.isArray(keys) || !keys.every(isObject)) {
    throw new KeySetError(['must hold a JWKS: an object with "keys", a list of objects'])
  }
  return { ...document, keys }
}

function isObject(value: unknown): value is Jwk {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nameOf({ kid }: Jwk, i: number): string {
  return isKid(kid) ? kid : `no. ${i + 1}`
}

function isKid(kid: unknown): kid is string {
  return typeof kid === 'string' && KID.test(kid)
}

/** What is wrong with the keys beside one another. */
function together(jwks: Jwk[]): string[] {
  const mistakes: string[] = []
  const kids = jwks.map(({ kid }) => kid).filter(isKid)
  const repeated = new Set(kids.filter((kid, i) => kids.indexOf(kid) !== i))
  for (const kid of repeated) mistakes.push(`key ${kid} must have a kid that no other key has`)
  const named = (state: string) =>
    jwks.flatMap((jwk, i) => (jwk.state === state ? nameOf(jwk, i) : []))
  const current = named('current')
  if (current.length !== 1) {
    const found = current.length === 0 ? 'none' : current.join(', ')
    mistakes.push(`exactly one key must have the state current; it is ${found}`)
  }
  const next = named('next')
  if (next.length > 1) {
    mistakes.push(`at most one key must have the state next; it is ${next.join(', ')}`)
  }
  return mistakes
}

// To retire one of them would leave the other.
function twins(keys: SigningKey[]): string[] {
  return keys.flatMap(({ kid, verifies }, i) => {
    const twin = keys.slice(0, i).find((other) => other.verifies.equals(verifies))
    return twin ? [`key ${kid} must not be the same key as ${twin.kid}`] : []
  })
}

function readKey(jwk: Jwk): { key?: SigningKey; mistakes: string[] } {
  const mistakes: string[] = []
  const { kid, use, key_ops: operations, madeAt = null } = jwk
  if (!isKid(kid)) mistakes.push('have a kid of 1 to 128 of A-Z a-z 0-9 . _ -')
  const state = keyStates.find((one) => one === jwk.state)
  if (!state) mistakes.push('have the state next, current or previous')
  if (use !== undefined && use !== 'sig') mistakes.push('have the use sig, or none')
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('sign'))) {
    mistakes.push('have sign among its key_ops, or no key_ops')
  }
  if (madeAt !== null && !isInstant(madeAt)) {
    mistakes.push('have its madeAt in ms since the epoch, or none')
  }
  const algorithm = algorithms.find((one) => one === jwk.alg)
  if (!algorithm) mistakes.push('have the alg HS256, ES256 or PS256')
  else if (jwk.kty !== TYPES[algorithm]) {
    mistakes.push(`have the kty ${TYPES[algorithm]}, as its alg is ${algorithm}`)
  } else {
    const read = readers[algorithm](jwk)
    if (typeof read === 'string') mistakes.push(read)
    else if (mistakes.length === 0 && isKid(kid) && state) {
      const dated = madeAt as number | null
      return { key: { kid, algorithm, state, madeAt: dated, ...read }, mistakes }
    }
  }
  return { mistakes }
}

function isInstant(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= LAST_MS
}

type Pair = Pick<SigningKey, 'signs' | 'verifies'>

/** Each gives the key, or what it must be. */
const readers: Record<Algorithm, (jwk: Jwk) => Pair | string> = {
  HS256({ k }) {
    const bytes = Buffer.from(typeof k === 'string' ? k : '', 'base64url')
    if (bytes.length < LEAST_BYTES || bytes.toString('base64url') !== k) {
      return `have a k of at least ${LEAST_BYTES} bytes in base64url`
    }
    const key = createSecretKey(bytes)
    return { signs: key, verifies: key }
  },
  ES256(jwk) {
    if (jwk.crv !== 'P-256') return 'have the crv P-256'
    return pairOf('ES256', jwk)
  },
  PS256(jwk) {
    const pair = pairOf('PS256', jwk)
    if (typeof pair === 'string') return pair
    const { modulusLength = 0, publicExponent = 0n } = pair.verifies.asymmetricKeyDetails ?? {}
    if (modulusLength < LEAST_BITS || modulusLength > MOST_BITS) {
      return `have a modulus of ${LEAST_BITS} to ${MOST_BITS} bits`
    }
    // FIPS 186-5 §5.1: small exponents have a history.
    return publicExponent > 65_536n ? pair : 'have an exponent of 65537 or more'
  },
}

function pairOf(algorithm: Algorithm, jwk: Jwk): Pair | string {
  if (jwk.d === undefined) return 'be a private key: its d is missing'
  try {
    const signs = createPrivateKey({ key: jwk as never, format: 'jwk' })
    const verifies = createPublicKey(signs)
    if (isPair(algorithm, signs, verifies)) return { signs, verifies }
  } catch {
    // Said below: what OpenSSL says of a key may quote it.
  }
  return 'be a whole private key, whose members belong together'
}

// OpenSSL takes halves that do not belong together, and then nothing that they sign verifies.
function isPair(algorithm: Algorithm, signs: KeyObject, verifies: KeyObject): boolean {
  const form =
    algorithm === 'PS256'
      ? {
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
        }
      : {}
  const sample = Buffer.from('sessiongraph')
  const signature = sign('sha256', sample, { key: signs, ...form })
  return verify('sha256', sample, { key: verifies, ...form }, signature)
}

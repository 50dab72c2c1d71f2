import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { type Jwk, KeySetError, parseKeySet } from './key-set.ts'
import { type Algorithm, kidOfSecret, type SigningKey } from './keys.ts'

/**
 * How long (ms) a key must have been `next` before it may sign: a service looks at the file twice a
 * second, and what one process signs the others must know.
 */
export const PUBLISHED_MS = 2_000

/** A new key's circumstances; `now` in ms. */
export interface Making {
  kid: string
  now: number
}

/** The kid of a key to be made: nobody could mistake it for an option or misread it. */
export function newKid(): string {
  return randomBytes(8).toString('hex')
}

/**
 * The text of a new key set: a current key and the next one. With a secret that was a ring of one, that
 * stays current, so that its tokens live and processes that know only the secret can be replaced.
 */
export function newKeySet(
  algorithm: Algorithm,
  { secret, kids, now }: { secret?: string | undefined; kids: [string, string]; now: number },
): string {
  const [first, second] = kids
  const current =
    secret === undefined
      ? makeKey(algorithm, 'current', { kid: first, now })
      : keyOfSecret(secret, now)
  return textOf({ keys: [makeKey(algorithm, 'next', { kid: second, now }), current] })
}

/**
 * The key set after a rotation: next is current, current is previous, and there is a new next of the same
 * algorithm, or of the one given. Throws a KeySetError while the next key may not be known everywhere.
 */
export function rotate(text: string, making: Making, algorithm?: Algorithm): string {
  const { document, keys } = parseKeySet(text)
  const next = keys.find(({ state }) => state === 'next')
  if (!next) {
    throw new KeySetError([
      'there is no next key that everyone could know: add one with "sessiongraph keys next"',
    ])
  }
  const age = making.now - (next.madeAt ?? 0)
  if (Math.abs(age) < PUBLISHED_MS) {
    throw new KeySetError([
      `key ${next.kid} was made just now, and a running service may not know it: rotate in ${PUBLISHED_MS / 1000} s`,
    ])
  }
  const later = { next: 'current', current: 'previous', previous: 'previous' }
  return textOf({
    ...document,
    keys: [
      makeKey(algorithm ?? next.algorithm, 'next', making),
      ...document.keys.map((jwk) => ({ ...jwk, state: later[jwk.state as SigningKey['state']] })),
    ],
  })
}

/** The key set with a next key, where it has none. Throws a KeySetError where it has one. */
export function addNext(text: string, making: Making, algorithm?: Algorithm): string {
  const { document, keys } = parseKeySet(text)
  const next = keys.find(({ state }) => state === 'next')
  if (next) throw new KeySetError([`key ${next.kid} is the next one: retire it for another`])
  const current = keys.find(({ state }) => state === 'current') as SigningKey
  const made = makeKey(algorithm ?? current.algorithm, 'next', making)
  return textOf({ ...document, keys: [made, ...document.keys] })
}

/**
 * The key set without a key, which ends its tokens; a next key gets a successor of its algorithm. Throws
 * a KeySetError for the current key and for one that is not there.
 */
export function retire(text: string, kid: string, making: Making): string {
  const { document, keys } = parseKeySet(text)
  const key = keys.find((one) => one.kid === kid)
  if (!key) {
    const known = keys.map((one) => one.kid).join(', ')
    throw new KeySetError([`no key has that kid: the keys are ${known}`])
  }
  if (key.state === 'current') {
    throw new KeySetError([
      `key ${kid} is the current one: run "sessiongraph keys rotate", then retire it`,
    ])
  }
  const left = document.keys.filter((jwk) => jwk.kid !== kid)
  const made = key.state === 'next' ? [makeKey(key.algorithm, 'next', making)] : []
  return textOf({ ...document, keys: [...made, ...left] })
}

function makeKey(algorithm: Algorithm, state: string, { kid, now }: Making): Jwk {
  return { kid, alg: algorithm, state, madeAt: now, use: 'sig', ...materials[algorithm]() }
}

const materials: Record<Algorithm, () => Jwk> = {
  HS256: () => createSecretKey(randomBytes(32)).export({ format: 'jwk' }) as Jwk,
  ES256: () => privateJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  PS256: () => privateJwk(generateKeyPairSync('rsa', { modulusLength: 3072 })),
}

function privateJwk({ privateKey }: ReturnType<typeof generateKeyPairSync>): Jwk {
  return privateKey.export({ format: 'jwk' }) as Jwk
}

function keyOfSecret(secret: string, now: number): Jwk {
  const k = Buffer.from(secret, 'utf8').toString('base64url')
  const kid = kidOfSecret(secret)
  return { kid, alg: 'HS256', state: 'current', madeAt: now, use: 'sig', kty: 'oct', k }
}

function textOf(document: Jwk): string {
  const text = `${JSON.stringify(document, null, 2)}\n`
  parseKeySet(text)
  return text
}

import { createHmac, randomBytes } from 'node:crypto'
import { dictionary } from '@zxcvbn-ts/language-common'
import bcrypt from 'bcrypt'
import { AuthError } from './error.ts'
import type { Queue } from './queue.ts'

const common = new Set(dictionary['passwords-common'])

/**
 * A password that may be set: 8 to 128 characters of well-formed Unicode, not among the most common
 * ones, otherwise as given (ASVS 6.2). Throws password_validation_failed.
 */
export function parseNewPassword(text: string): string {
  const characters = [...text].length
  if (characters < 8 || characters > 128 || common.has(text.toLowerCase())) {
    throw new AuthError('password_validation_failed')
  }
  return parsePassword(text)
}

/** A password that may be compared. Lone surrogates all hash alike: password_validation_failed. */
export function parsePassword(text: string): string {
  if (text === '' || !text.isWellFormed()) throw new AuthError('password_validation_failed')
  return text
}

/** Hashes and compares passwords, in its turn: either may throw service_unavailable. */
export interface PasswordHasher {
  /** The queue in which hashes take their turn. */
  queue: Queue
  hash(password: string): Promise<string>
  /** Whether the password is the hashed one. Without a hash: false, after the same work. */
  matches(password: string, hash: string | undefined): Promise<boolean>
  /** Whether the hash was made with another cost or pepper than is used now. */
  isOutdated(hash: string): boolean
}

interface Hashing {
  /** The base-2 logarithm of the rounds. */
  cost: number
  /** A secret kept outside the graph; empty for none. */
  pepper: string
  queue: Queue
}

// bcrypt reads 72 bytes and stops at a zero byte, so it is given 44 characters that stand for the
// whole password. The tag before the hash says how they were made.
const PLAIN = 'v1:'
const PEPPERED = 'v1p:'

export function createPasswordHasher({ cost, pepper, queue }: Hashing): PasswordHasher {
  const tag = pepper === '' ? PLAIN : PEPPERED
  // Nobody knows its password; comparing with it costs what comparing with a user's hash does.
  const nobody = `${tag}$2b$${String(cost).padStart(2, '0')}$${bcryptText(22)}${bcryptText(31)}`

  function prehash(password: string, key: string): string {
    return createHmac('sha256', key).update(password, 'utf8').digest('base64')
  }

  return {
    queue,
    async hash(password) {
      return tag + (await queue.run(() => bcrypt.hash(prehash(password, pepper), cost)))
    },
    async matches(password, hash = nobody) {
      const [made, key] = hash.startsWith(PLAIN) ? [PLAIN, ''] : [PEPPERED, pepper]
      return queue.run(() => bcrypt.compare(prehash(password, key), hash.slice(made.length)))
    },
    isOutdated(hash) {
      return !hash.startsWith(tag) || bcrypt.getRounds(hash.slice(tag.length)) !== cost
    },
  }
}

function bcryptText(length: number): string {
  return randomBytes(length).toString('hex').slice(0, length)
}

import { randomBytes } from 'node:crypto'

/** Makes a new id: 128 bits from the system's generator as 22 base64url characters (ASVS 7.2.3). */
export type NewId = () => string

export const newId: NewId = () => randomBytes(16).toString('base64url')

/** Tells whether a value has the form of an id made here. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{22}$/.test(value)
}

import { createHmac } from 'node:crypto'
import { SECRET } from './world.ts'

/** Members as raw JSON, so that a token may say what no JSON library would write. */
export type Members = Record<string, string>

/** The first two parts of a token of ours, member by member. */
export interface Parts {
  header: Members
  claims: Members
}

/** Takes a token apart. */
export function partsOf(token: string): Parts {
  const [header = '', claims = ''] = token.split('.')
  return { header: membersOf(header), claims: membersOf(claims) }
}

function membersOf(part: string): Members {
  const members = JSON.parse(Buffer.from(part, 'base64url').toString()) as object
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, JSON.stringify(value)]),
  )
}

/** A JSON object of raw members, as its text. */
export function object(members: Members): string {
  const rows = Object.entries(members).map(([name, value]) => `${JSON.stringify(name)}:${value}`)
  return `{${rows.join()}}`
}

/** A token with the right signature, whatever its first two parts are; or that of another secret. */
export function mint(header: string | Buffer, claims: string | Buffer, secret = SECRET): string {
  const content = `${encode(header)}.${encode(claims)}`
  return `${content}.${sign(content, secret)}`
}

/** The signature of a content that is already spelt. */
export function sign(content: string, secret = SECRET): string {
  return createHmac('sha256', secret).update(content).digest('base64url')
}

function encode(part: string | Buffer): string {
  return Buffer.from(part as string).toString('base64url')
}

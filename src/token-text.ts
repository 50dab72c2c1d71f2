import jwt from 'jsonwebtoken'
import { AuthError } from './error.ts'
import { isId } from './id.ts'
import { parseObject } from './json.ts'
import type { KeyRing, SigningKey } from './keys.ts'
import type { Token } from './token.ts'

const MAX_BYTES = 4096
// The end of the year 9999: an instant given in ms instead of seconds lies far beyond it.
const MAX_SECONDS = 253_402_300_799

interface Writer {
  ring: KeyRing
  issuer: string
  audience: string
}

/** Turns tokens into text and back. */
export interface TokenText {
  /**
   * Signs a token with the key that it names, or, if that is gone, with the current one. The same token
   * gives the same text, byte for byte (HS256), or the same claims under another signature.
   */
  write(token: Token): string
  /**
   * Reads a text of ours: strict form, then signature, then claims (RFC 8725 §3). Whether it is expired
   * is not asked here. Throws token_is_invalid for anything else, whatever it is.
   */
  read(text: string): Token
}

export function createTokenText({ ring, issuer, audience }: Writer): TokenText {
  function write(token: Token): string {
    const { algorithm, kid, signs } = ring.find(token.kid) ?? ring.current
    const claims = {
      iss: issuer,
      aud: audience,
      sub: token.user.id,
      name: token.user.username,
      generation: token.user.generation,
      tenant: token.tenant.id,
      tenant_generation: token.tenant.generation,
      sid: token.sessions,
      jti: token.id,
      iat: token.issuedAt / 1000,
      exp: token.expiresAt / 1000,
      auth_time: token.authTime / 1000,
    }
    // As text, so that it is signed as it stands: jsonwebtoken fills in and moves claims of an object.
    return jwt.sign(JSON.stringify(claims), signs, {
      algorithm,
      header: { alg: algorithm, typ: 'at+jwt', kid },
    })
  }

  function read(text: string): Token {
    try {
      const { algorithm, verifies, kid } = keyFor(text, ring)
      const claims: unknown = jwt.verify(text, verifies, {
        algorithms: [algorithm],
        ignoreExpiration: true,
        issuer,
      })
      return tokenOf(claims as Record<string, unknown>, kid)
    } catch (cause) {
      // jsonwebtoken throws plain errors on some junk: whatever was thrown, the text is not a token.
      throw new AuthError('token_is_invalid', { cause })
    }
  }

  function tokenOf(claims: Record<string, unknown>, kid: string): Token {
    const { iss, aud, sub, name, generation, tenant, tenant_generation, sid, jti, iat, exp } =
      claims
    const { auth_time: authTime } = claims
    if (
      iss === issuer &&
      aud === audience &&
      isId(sub) &&
      typeof name === 'string' &&
      isCount(generation) &&
      isId(tenant) &&
      isCount(tenant_generation) &&
      isPath(sid) &&
      isId(jti) &&
      isSeconds(iat) &&
      isSeconds(exp) &&
      isSeconds(authTime)
    ) {
      return {
        id: jti,
        kid,
        issuedAt: iat * 1000,
        expiresAt: exp * 1000,
        authTime: authTime * 1000,
        user: { id: sub, username: name, generation },
        tenant: { id: tenant, generation: tenant_generation },
        sessions: sid,
      }
    }
    throw new TypeError('a claim is missing or of the wrong type')
  }

  return { write, read }
}

/** The key that a well-formed text names. Everything it reads is the sender's word until verified. */
function keyFor(text: string, ring: KeyRing): SigningKey {
  if (text.length > MAX_BYTES) throw new RangeError('the text is too long')
  const parts = text.split('.')
  const [header, payload, signature] = parts.map(decode)
  if (parts.length !== 3 || !header || !payload || !signature)
    throw new TypeError('not three parts')
  const { alg, typ, kid, ...others } = parseObject(utf8.decode(header))
  // Whatever else a header may say (crit, b64, zip, jku, jwk, x5u), nobody here understands it.
  if (Object.keys(others).length > 0) throw new TypeError('the header says more than it may')
  parseObject(utf8.decode(payload))
  const key = typeof kid === 'string' ? ring.find(kid) : undefined
  if (!key || alg !== key.algorithm || typ !== 'at+jwt') throw new TypeError('not a key of ours')
  return key
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

// Only the canonical spelling: base64url decoders skip what they do not know, so that one token has
// many spellings (RFC 4648 §3.5).
function decode(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part) throw new TypeError('not canonical base64url')
  return bytes
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isSeconds(value: unknown): value is number {
  return isCount(value) && value <= MAX_SECONDS
}

function isPath(value: unknown): value is [string, ...string[]] {
  return Array.isArray(value) && value.length > 0 && value.every(isId)
}

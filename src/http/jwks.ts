import type { JsonWebKey } from 'node:crypto'
import type { Context } from 'koa'

/** The public keys of the service (RFC 7517), those that do not sign yet or any more included. */
export type PublicKeys = () => readonly JsonWebKey[]

// Long enough to be worth a cache, short enough that a key which was retired is soon gone from it.
const MAX_AGE_SECONDS = 60

/** The handler of /.well-known/jwks.json. */
export function jwksHandlers(publicKeys: PublicKeys) {
  // GET /.well-known/jwks.json: what others may check signatures with; it tells nothing of the blacklist
  function showKeys(ctx: Context): void {
    ctx.set('Cache-Control', `public, max-age=${MAX_AGE_SECONDS}`)
    ctx.body = { keys: publicKeys() }
    ctx.type = 'application/jwk-set+json; charset=utf-8'
  }

  return { showKeys }
}

import type { Auth } from '../../src/auth.ts'
import type { Jwk } from '../../src/key-set.ts'
import { algorithms, keyRingOf, type ReplaceableKeyRing } from '../../src/keys.ts'
import { keyJwk, keysOf } from '../support/keys.ts'
import type { Declare } from '../support/suites.ts'
import { newUsername, PASSWORD } from '../support/world.ts'
import { refuses } from './auth.suite.ts'

/** Verbs that sign by a ring; `replace` gives the ring other keys, as its file would. */
export interface Signing {
  auth: Auth
  replace(keys: Jwk[]): void
}

export type SigningBy = (ring: ReplaceableKeyRing) => Promise<Signing>

function inState(state: string, jwk: Jwk): Jwk {
  return { ...jwk, state }
}

/** What the verbs promise about the keys that sign. */
export function keysContract(test: Declare, signingBy: SigningBy): void {
  async function loggedIn(auth: Auth): Promise<string> {
    const credentials = { username: newUsername(), password: PASSWORD }
    await auth.register(credentials)
    return (await auth.login(credentials)).text
  }

  const [one, two, three] = algorithms.map((algorithm) => keyJwk(algorithm, newUsername())) as [
    Jwk,
    Jwk,
    Jwk,
  ]

  for (const jwk of [one, two, three]) {
    test(`a token of ${jwk.alg} is verified, refreshed and ended`, async (t) => {
      const { auth } = await signingBy(keyRingOf(keysOf(jwk)))
      const text = await loggedIn(auth)
      t.deepEqual(headerOf(text), { alg: jwk.alg, typ: 'at+jwt', kid: jwk.kid })
      const verified = await auth.verify(text)
      const next = await auth.refresh(text)
      const again = await auth.refresh(text)
      t.is(again.id, next.id)
      t.is(again.expiresAt, next.expiresAt)
      t.deepEqual(await auth.verify(again.text), await auth.verify(next.text))
      t.is((await auth.verify(again.text)).session, verified.session)
      await auth.blacklist(again.text, 'session')
      for (const each of [text, next.text, again.text]) {
        await refuses(t, auth.verify(each), 'token_is_blacklisted')
        await refuses(t, auth.refresh(each), 'token_is_blacklisted')
      }
    })
  }

  test('a rotation refuses no live token, and what is issued after it is of the new key', async (t) => {
    const { auth, replace } = await signingBy(keyRingOf(keysOf(one, inState('next', two))))
    const before = await loggedIn(auth)
    await auth.verify(before)
    replace([inState('previous', one), two, inState('next', three)])
    t.truthy(await auth.verify(before))
    const after = await loggedIn(auth)
    t.is(headerOf(after).kid, two.kid)
    const refreshed = (await auth.refresh(before)).text
    t.is(headerOf(refreshed).kid, two.kid)
    replace([inState('previous', one), inState('previous', two), three])
    for (const text of [before, after, refreshed]) t.truthy(await auth.verify(text))
    await auth.blacklist(before, 'session')
    await refuses(t, auth.verify(refreshed), 'token_is_blacklisted')
  })

  test('a token of the next key counts before that key signs here', async (t) => {
    const ahead = await signingBy(keyRingOf(keysOf(inState('previous', one), two)))
    const behind = await signingBy(keyRingOf(keysOf(one, inState('next', two))))
    const text = await loggedIn(ahead.auth)
    t.truthy(await behind.auth.verify(text))
    t.is(headerOf((await behind.auth.refresh(text)).text).kid, one.kid)
  })

  test('a retired key ends its tokens at once, at every door', async (t) => {
    const { auth, replace } = await signingBy(keyRingOf(keysOf(one, inState('next', two))))
    const [seen, unseen] = [await loggedIn(auth), await loggedIn(auth)]
    for (let i = 0; i < 3; i += 1) await auth.verify(seen)
    replace([inState('previous', one), two])
    const living = (await auth.refresh(await loggedIn(auth))).text
    await auth.verify(seen)
    replace([two])
    for (const text of [seen, unseen]) {
      await refuses(t, auth.verify(text), 'token_is_invalid')
      await refuses(t, auth.refresh(text), 'token_is_invalid')
      await refuses(t, auth.blacklist(text, 'session'), 'token_is_invalid')
    }
    t.truthy(await auth.verify(living))
  })

  test('a verify that was under way when its key was retired is not remembered', async (t) => {
    const { auth, replace } = await signingBy(keyRingOf(keysOf(inState('previous', one), two)))
    const elsewhere = await signingBy(keyRingOf(keysOf(one)))
    const texts = await Promise.all(Array.from({ length: 5 }, () => loggedIn(elsewhere.auth)))
    const underWay = texts.map((text) => auth.verify(text))
    replace([two])
    await Promise.allSettled(underWay)
    for (const text of texts) await refuses(t, auth.verify(text), 'token_is_invalid')
  })

  test('a successor is handed out again by its own key, also when that signs nothing new', async (t) => {
    const { auth, replace } = await signingBy(keyRingOf(keysOf(one, inState('next', two))))
    const text = await loggedIn(auth)
    const next = await auth.refresh(text)
    replace([inState('previous', one), two])
    const again = await auth.refresh(text)
    t.deepEqual(again, next, 'HS256: the same bytes')
    t.is(headerOf(again.text).kid, one.kid)
  })

  test('a successor whose key is gone was ended with it, and is not signed by another', async (t) => {
    const { auth, replace } = await signingBy(keyRingOf(keysOf(one, inState('next', two))))
    const text = await loggedIn(auth)
    replace([inState('previous', one), two, inState('next', three)])
    const next = await auth.refresh(text)
    t.is(headerOf(next.text).kid, two.kid)
    replace([inState('previous', one), three])
    await refuses(t, auth.verify(next.text), 'token_is_invalid')
    await refuses(t, auth.refresh(text), 'token_is_blacklisted')
    t.truthy(await auth.verify(text), 'its own grace goes on')
  })

  test('other spellings of an ES256 signature of an ended token are ended as well', async (t) => {
    const { auth } = await signingBy(keyRingOf(keysOf(two)))
    for (const scope of ['session', 'token'] as const) {
      const text = await loggedIn(auth)
      const twin = otherSpelling(text)
      t.not(twin, text)
      t.is((await auth.verify(twin)).id, (await auth.verify(text)).id)
      await auth.blacklist(scope === 'session' ? text : twin, scope)
      await refuses(t, auth.verify(text), 'token_is_blacklisted')
      await refuses(t, auth.verify(twin), 'token_is_blacklisted')
      await refuses(t, auth.refresh(twin), 'token_is_blacklisted')
    }
  })

  test('another signature over a token that was ended is ended as well', async (t) => {
    for (const jwk of [two, three]) {
      const { auth } = await signingBy(keyRingOf(keysOf(jwk)))
      const first = await loggedIn(auth)
      const [next, again] = [await auth.refresh(first), await auth.refresh(first)]
      t.not(next.text, again.text)
      await auth.verify(next.text)
      await auth.verify(again.text)
      await auth.blacklist(next.text, 'token')
      await refuses(t, auth.verify(again.text), 'token_is_blacklisted')
    }
  })
}

function headerOf(text: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(text.split('.')[0] ?? '', 'base64url').toString())
}

// The order of the curve's group (SEC 2 §2.4.2): who has (r, s) has (r, n - s) without the key.
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The same token with the other signature that anyone can make of its own. */
export function otherSpelling(text: string): string {
  const [header, payload, signature = ''] = text.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  const other = Buffer.from((ORDER - s).toString(16).padStart(64, '0'), 'hex')
  const twin = Buffer.concat([bytes.subarray(0, 32), other]).toString('base64url')
  return `${header}.${payload}.${twin}`
}

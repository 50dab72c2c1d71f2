import { createPublicKey } from 'node:crypto'
import test from 'ava'
import { createKeyRing, keyRingOf, kidOfSecret } from '../src/keys.ts'
import { keyJwk, keysOf } from './support/keys.ts'

const es = keyJwk('ES256', 'es', 'current')
const hs = keyJwk('HS256', 'hs', 'previous')
const ps = keyJwk('PS256', 'ps', 'next')

const NO_KIDS = ['', 'ES', 'es ', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '0']

test('a ring knows its current key, and each key by its kid and nothing else', (t) => {
  const ring = keyRingOf(keysOf(ps, es, hs))
  t.is(ring.current.kid, 'es')
  t.deepEqual(
    ring.all.map(({ kid, algorithm, state }) => [kid, algorithm, state]),
    [
      ['ps', 'PS256', 'next'],
      ['es', 'ES256', 'current'],
      ['hs', 'HS256', 'previous'],
    ],
  )
  for (const kid of ['es', 'hs', 'ps']) t.is(ring.find(kid)?.kid, kid)
  for (const kid of NO_KIDS) t.is(ring.find(kid), undefined)
})

test('of public keys only the public members are shown, of secret ones nothing', (t) => {
  const shown = keyRingOf(keysOf(ps, es, hs)).publicKeys()
  t.deepEqual(shown, [
    { kty: 'RSA', n: ps.n, e: ps.e, kid: 'ps', alg: 'PS256', use: 'sig' },
    { kty: 'EC', crv: 'P-256', x: es.x, y: es.y, kid: 'es', alg: 'ES256', use: 'sig' },
  ])
  for (const key of shown) t.is(createPublicKey({ key, format: 'jwk' }).type, 'public')
  t.deepEqual(keyRingOf(keysOf({ ...hs, state: 'current' })).publicKeys(), [])
})

test('a secret is a ring of one whose kid follows from it', (t) => {
  const secret = 'a secret of more than 32 bytes, for these tests'
  const ring = createKeyRing(secret)
  // What replicas of an earlier version call it.
  t.is(ring.current.kid, 'CppXBP6lf_5EEIj5')
  t.is(ring.current.kid, kidOfSecret(secret))
  t.is(ring.current.algorithm, 'HS256')
  t.is(ring.find(ring.current.kid), ring.current)
  t.deepEqual(ring.publicKeys(), [])
  t.not(createKeyRing(`${secret}.`).current.kid, ring.current.kid)
})

test('a ring takes over other keys, and tells which are gone', (t) => {
  const ring = keyRingOf(keysOf(es, ps))
  t.deepEqual(ring.replace(keysOf(es, ps)), { isChanged: false, gone: [] })
  const rotated = keysOf({ ...ps, state: 'current' }, { ...es, state: 'previous' })
  t.deepEqual(ring.replace(rotated), { isChanged: true, gone: [] })
  t.is(ring.current.kid, 'ps')
  t.is(ring.find('es')?.state, 'previous')
  t.is(ring.all.length, 2)
  t.deepEqual(ring.replace(keysOf({ ...ps, state: 'current' })), { isChanged: true, gone: ['es'] })
  t.is(ring.find('es'), undefined)
  t.deepEqual(
    ring.publicKeys().map(({ kid }) => kid),
    ['ps'],
  )
  t.deepEqual(ring.replace(keysOf({ ...ps, state: 'current' }, { ...hs })), {
    isChanged: true,
    gone: [],
  })
})

test('another key by the same kid is another key', (t) => {
  const ring = keyRingOf(keysOf(es))
  t.deepEqual(ring.replace(keysOf(keyJwk('ES256', 'es'))), { isChanged: true, gone: ['es'] })
  t.deepEqual(ring.replace(keysOf(keyJwk('HS256', 'es'))), { isChanged: true, gone: ['es'] })
  t.deepEqual(ring.replace(keysOf(keyJwk('HS256', 'es'))), { isChanged: true, gone: ['es'] })
})

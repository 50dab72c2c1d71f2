import { generateKeyPairSync } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { type Jwk, KeySetError, parseKeySet } from '../src/key-set.ts'
import { ecJwk, freshRsaJwk, keyJwk, keySetText, octJwk, rsaJwk } from './support/keys.ts'

const es = keyJwk('ES256', 'es')
const hs = keyJwk('HS256', 'hs')
const ps: Jwk = { kid: 'ps', alg: 'PS256', state: 'current', ...rsaJwk() }

/** Asserts that a text is refused with these lines, none of which shows a private member. */
function refused(t: ExecutionContext, text: string, mistakes: string[]): void {
  const error = t.throws(() => parseKeySet(text), { instanceOf: KeySetError }, text.slice(0, 200))
  t.deepEqual(error?.mistakes, mistakes)
  for (const value of [es.d, es.x, hs.k, ps.d, ps.n, 'XYZZY']) {
    t.false(error?.message.includes(String(value)))
  }
}

/** Asserts that a key set of that key alone is refused. */
function refusedKey(t: ExecutionContext, jwk: Jwk, mistake: string): void {
  refused(t, keySetText(jwk), [`key ${jwk.kid} must ${mistake}`])
}

test('a key of each algorithm is read', (t) => {
  const text = keySetText(
    { ...es, madeAt: 1_795_248_020_000 },
    { ...hs, state: 'previous' },
    { ...ps, state: 'next' },
  )
  const { keys } = parseKeySet(text)
  t.deepEqual(
    keys.map(({ kid, algorithm, state, madeAt }) => [kid, algorithm, state, madeAt]),
    [
      ['es', 'ES256', 'current', 1_795_248_020_000],
      ['hs', 'HS256', 'previous', null],
      ['ps', 'PS256', 'next', null],
    ],
  )
  t.deepEqual(
    keys.map(({ signs, verifies }) => [signs.type, verifies.type]),
    [
      ['private', 'public'],
      ['secret', 'secret'],
      ['private', 'public'],
    ],
  )
})

test('members that nobody knows do no harm, and are kept', (t) => {
  const known = { ...es, use: 'sig', key_ops: ['verify', 'sign'], note: 'ours', x5t: 'AA' }
  const { document, keys } = parseKeySet(JSON.stringify({ note: 1, keys: [known] }))
  t.deepEqual(document, { note: 1, keys: [known] })
  t.is(keys.length, 1)
})

const OTHER_ALGORITHMS = [
  ['RS256', rsaJwk],
  ['RS384', rsaJwk],
  ['RS512', rsaJwk],
  ['PS384', rsaJwk],
  ['PS512', rsaJwk],
  ['RSA-OAEP', rsaJwk],
  ['HS384', octJwk],
  ['HS512', octJwk],
  ['A256KW', octJwk],
  ['dir', octJwk],
  ['ES384', () => ecJwk('P-384')],
  ['ES512', () => ecJwk('P-521')],
  ['ES256K', () => ecJwk('secp256k1')],
  ['ECDH-ES', ecJwk],
  ['EdDSA', () => edJwk()],
  ['Ed25519', () => edJwk()],
  ['none', octJwk],
  ['None', octJwk],
  ['', octJwk],
  ['hs256', octJwk],
  ['HS256 ', octJwk],
  ['__proto__', octJwk],
  ['constructor', octJwk],
] as const

function edJwk(): Jwk {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as Jwk
}

for (const [alg, jwk] of OTHER_ALGORITHMS) {
  test(`a key for ${alg || 'no algorithm'} is refused by name`, (t) => {
    const key = { kid: 'foreign', state: 'current', ...(jwk as () => Jwk)(), alg }
    refusedKey(t, key, 'have the alg HS256, ES256 or PS256')
  })
}

test('a key without one algorithm is refused by name', (t) => {
  const { alg: _, ...none } = hs
  refusedKey(t, none, 'have the alg HS256, ES256 or PS256')
  for (const alg of [null, 1, ['HS256'], ['HS256', 'ES256'], {}]) {
    refusedKey(t, { ...hs, alg }, 'have the alg HS256, ES256 or PS256')
  }
})

test('a key whose kty is not that of its alg is refused by name', (t) => {
  const kinds = { HS256: octJwk(), ES256: ecJwk(), PS256: rsaJwk() }
  const types = { HS256: 'oct', ES256: 'EC', PS256: 'RSA' }
  for (const alg of ['HS256', 'ES256', 'PS256'] as const) {
    for (const other of ['HS256', 'ES256', 'PS256'] as const) {
      if (alg === other) continue
      const jwk = { kid: 'mixed', state: 'current', ...kinds[other], alg }
      refusedKey(t, jwk, `have the kty ${types[alg]}, as its alg is ${alg}`)
    }
    for (const kty of [undefined, '', 'OKP', types[alg].toLowerCase(), types[alg].toUpperCase()]) {
      if (kty === types[alg]) continue
      const jwk = { kid: 'mixed', state: 'current', ...kinds[alg], kty, alg }
      refusedKey(t, jwk, `have the kty ${types[alg]}, as its alg is ${alg}`)
    }
  }
})

test('a secret of under 32 bytes is refused by name', (t) => {
  const mistake = 'have a k of at least 32 bytes in base64url'
  for (const size of [0, 1, 16, 31]) refusedKey(t, { ...hs, ...octJwk(size) }, mistake)
  const k = String(hs.k)
  const others = [undefined, null, 1, [k], `${k}=`, `${k}\n`, `+${k.slice(1)}`, ' '.repeat(64)]
  for (const other of others) refusedKey(t, { ...hs, k: other }, mistake)
  t.is(parseKeySet(keySetText({ ...hs, ...octJwk(32) })).keys.length, 1)
  t.is(parseKeySet(keySetText({ ...hs, ...octJwk(64) })).keys.length, 1)
})

test('a curve other than P-256 is refused by name', (t) => {
  for (const curve of ['P-384', 'P-521', 'secp256k1']) {
    refusedKey(t, { ...es, ...ecJwk(curve) }, 'have the crv P-256')
  }
  for (const crv of [undefined, 'p-256', 'prime256v1', '', null]) {
    refusedKey(t, { ...es, crv }, 'have the crv P-256')
  }
})

test('an RSA key of under 3072 bits is refused by name', (t) => {
  for (const bits of [1024, 2048, 3064]) {
    refusedKey(t, { ...ps, ...rsaJwk(bits) }, 'have a modulus of 3072 to 8192 bits')
  }
})

test('an RSA key with a small exponent is refused by name', (t) => {
  refusedKey(t, { ...ps, ...freshRsaJwk(3072, 3) }, 'have an exponent of 65537 or more')
})

test('a public key alone is refused by name', (t) => {
  for (const jwk of [es, ps]) {
    const { kty, kid, alg, state, crv, x, y, n, e } = jwk
    refusedKey(t, { kty, kid, alg, state, crv, x, y, n, e }, 'be a private key: its d is missing')
  }
})

test('a private key whose members do not belong together is refused by name', (t) => {
  const mistake = 'be a whole private key, whose members belong together'
  const other = ecJwk()
  const rsa = rsaJwk(2048)
  const broken: Jwk[] = [
    { ...es, x: other.x, y: other.y },
    { ...es, d: other.d },
    { ...es, x: es.y, y: es.x },
    { ...es, y: undefined },
    { ...es, d: '' },
    { ...es, d: 'AA' },
    { ...es, d: 1 },
    { ...es, d: Buffer.alloc(32, 255).toString('base64url') },
    { ...ps, p: rsa.p, q: rsa.q },
    { ...ps, p: undefined },
    { ...ps, d: 1 },
  ]
  for (const jwk of broken) refusedKey(t, jwk, mistake)
})

test('a kid is plain text of 1 to 128 characters', (t) => {
  for (const kid of ['a', 'A-Z_0.9', '-', '__proto__', 'a'.repeat(128)]) {
    t.is(parseKeySet(keySetText({ ...hs, kid })).keys[0]?.kid, kid)
  }
  const kids = ['', 'a'.repeat(129), 'a b', 'a\n', 'é', '../key', "' OR 1", null, 1, ['a'], {}]
  for (const kid of [undefined, ...kids]) {
    refused(t, keySetText({ ...hs, kid }), [
      'key no. 1 must have a kid of 1 to 128 of A-Z a-z 0-9 . _ -',
    ])
  }
})

test('a state is next, current or previous', (t) => {
  for (const state of [undefined, '', 'Current', 'active', 'retired', null, 1, ['next']]) {
    refused(t, keySetText(es, { ...hs, state }), [
      'key hs must have the state next, current or previous',
    ])
  }
})

test('a key for another use is refused by name', (t) => {
  refusedKey(t, { ...hs, use: 'enc' }, 'have the use sig, or none')
  for (const operations of [[], ['verify'], 'sign', null]) {
    refusedKey(t, { ...hs, key_ops: operations }, 'have sign among its key_ops, or no key_ops')
  }
})

test('a date is in ms, and one that a clock can show', (t) => {
  t.is(parseKeySet(keySetText({ ...hs, madeAt: 8.64e15 })).keys[0]?.madeAt, 8.64e15)
  for (const madeAt of [-1, 1.5, 8.64e15 + 1, '2026-11-21', true, []]) {
    refusedKey(t, { ...hs, madeAt }, 'have its madeAt in ms since the epoch, or none')
  }
})

test('a kid that two keys have is refused', (t) => {
  refused(t, keySetText(es, { ...hs, kid: 'es', state: 'next' }), [
    'key es must have a kid that no other key has',
  ])
})

test('the same key under two kids is refused: to retire one would leave the other', (t) => {
  for (const jwk of [es, hs, ps]) {
    refused(t, keySetText(jwk, { ...jwk, kid: 'twin', state: 'previous' }), [
      `key twin must not be the same key as ${jwk.kid}`,
    ])
  }
})

test('exactly one key is current, and at most one next', (t) => {
  const none = 'exactly one key must have the state current; it is none'
  refused(t, keySetText(), [none])
  refused(t, keySetText({ ...es, state: 'next' }, { ...hs, state: 'previous' }), [none])
  refused(t, keySetText(es, hs), ['exactly one key must have the state current; it is es, hs'])
  refused(t, keySetText(es, { ...hs, state: 'next' }, { ...ps, state: 'next' }), [
    'at most one key must have the state next; it is hs, ps',
  ])
})

test('what is no JSON object, or has a member twice, is refused without a quotation', (t) => {
  const texts = ['', 'XYZZY', '[]', 'null', '{"keys":', `{"keys":[{"k":"XYZZY","k":"${hs.k}"}]}`]
  for (const text of texts) {
    refused(t, text, ['must hold a JSON object, with no member given twice'])
  }
  for (const text of [
    '{}',
    '{"keys":{}}',
    '{"keys":"XYZZY"}',
    '{"keys":[null]}',
    '{"keys":[[]]}',
  ]) {
    refused(t, text, ['must hold a JWKS: an object with "keys", a list of objects'])
  }
  refused(t, JSON.stringify(hs), ['must hold a JWKS: an object with "keys", a list of objects'])
})

test('all mistakes are told at once', (t) => {
  refused(
    t,
    keySetText(
      { ...hs, alg: 'RS256', use: 'enc' },
      { ...es, kid: 'a b', crv: 'XYZZY' },
      { ...es, kid: 'twice', state: 'XYZZY' },
      { ...ps, kid: 'twice', state: 'current', kty: 'EC' },
    ),
    [
      'key hs must have the use sig, or none',
      'key hs must have the alg HS256, ES256 or PS256',
      'key no. 2 must have a kid of 1 to 128 of A-Z a-z 0-9 . _ -',
      'key no. 2 must have the crv P-256',
      'key twice must have the state next, current or previous',
      'key twice must have the kty RSA, as its alg is PS256',
      'key twice must have a kid that no other key has',
      'exactly one key must have the state current; it is hs, no. 2, twice',
    ],
  )
})

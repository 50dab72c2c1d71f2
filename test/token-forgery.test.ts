import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { AuthError } from '../src/error.ts'
import type { Jwk } from '../src/key-set.ts'
import { type Algorithm, keyRingOf } from '../src/keys.ts'
import type { Token } from '../src/token.ts'
import { createTokenText } from '../src/token-text.ts'
import { otherSpelling } from './contract/keys.suite.ts'
import { freshRsaJwk, keyJwk, keysOf } from './support/keys.ts'

// What an attacker has: the public keys, any token, and all the time that it takes.
const es = keyJwk('ES256', 'es')
const ps = keyJwk('PS256', 'ps', 'previous')
const hs = keyJwk('HS256', 'hs', 'previous')
const ring = keyRingOf(keysOf(es, ps, hs))
const texts = createTokenText({ ring, issuer: 'the issuer', audience: 'the audience' })
const rivals = [es, ps, hs]
const open = [es, ps]

const token: Token = {
  id: 'tttttttttttttttttttttA',
  kid: 'es',
  issuedAt: 1_700_000_000_000,
  expiresAt: 1_700_000_900_000,
  authTime: 1_700_000_000_000,
  user: { id: 'uuuuuuuuuuuuuuuuuuuuuA', username: 'ada', generation: 3 },
  tenant: { id: 'nnnnnnnnnnnnnnnnnnnnnA', generation: 7 },
  sessions: ['sssssssssssssssssssssA'],
}

function partsOf(kid: unknown, about: Partial<Token> = {}): [string, string, string] {
  return texts.write({ ...token, kid: String(kid), ...about }).split('.') as [
    string,
    string,
    string,
  ]
}

function encode(part: unknown): string {
  const text = typeof part === 'string' || Buffer.isBuffer(part) ? part : JSON.stringify(part)
  return Buffer.from(text as string).toString('base64url')
}

function head(jwk: Jwk, others: Jwk = {}): string {
  return encode({ alg: jwk.alg, typ: 'at+jwt', kid: jwk.kid, ...others })
}

function mac(content: string, secret: string | Buffer): string {
  return createHmac('sha256', secret).update(content).digest('base64url')
}

const forms = {
  HS256: {},
  ES256: { dsaEncoding: 'ieee-p1363' },
  PS256: {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  },
} as const satisfies Record<Algorithm, object>

function signature(content: string, key: KeyObject, form: object = {}, hash = 'sha256'): string {
  return sign(hash, Buffer.from(content), { key, ...form }).toString('base64url')
}

/** Signs as the service does; for what is right but for one thing. */
function authentic(jwk: Jwk, header: string, payload: string): string {
  const content = `${header}.${payload}`
  const key = ring.find(String(jwk.kid))
  if (!key) throw new TypeError('not a key of the ring')
  if (key.algorithm === 'HS256') {
    return `${content}.${mac(content, Buffer.from(String(jwk.k), 'base64url'))}`
  }
  return `${content}.${signature(content, key.signs, forms[key.algorithm])}`
}

function invalid(t: ExecutionContext, given: Iterable<string>): void {
  for (const text of given) {
    t.throws(
      () => texts.read(text),
      { instanceOf: AuthError, code: 'token_is_invalid', message: 'Token is invalid' },
      text.slice(0, 300),
    )
  }
}

function publicOf(jwk: Jwk): KeyObject {
  return createPublicKey(createPrivateKey({ key: jwk as never, format: 'jwk' }))
}

test('a token of each algorithm is read, also when it is signed by hand as the service would', (t) => {
  for (const jwk of rivals) {
    const [header, payload, own] = partsOf(jwk.kid)
    t.deepEqual(texts.read(`${header}.${payload}.${own}`), { ...token, kid: jwk.kid })
    t.is(header, head(jwk))
    t.deepEqual(texts.read(authentic(jwk, header, payload)), { ...token, kid: jwk.kid })
  }
})

test('alg none in any spelling is invalid for every key', (t) => {
  for (const jwk of rivals) {
    const [, payload, own] = partsOf(jwk.kid)
    for (const alg of [
      'none',
      'None',
      'NONE',
      'nOnE',
      'none ',
      ' none',
      'none\0',
      'ｎone',
      '',
      null,
    ]) {
      const content = `${head(jwk, { alg })}.${payload}`
      invalid(t, [content, `${content}.`, `${content}.${own}`, `${content}.AA`])
    }
  }
})

test('a stripped signature is invalid for every key', (t) => {
  for (const jwk of rivals) {
    const [header, payload] = partsOf(jwk.kid)
    invalid(t, [`${header}.${payload}`, `${header}.${payload}.`, `${header}..`, `${payload}.`])
  }
})

test('an HMAC with the public key, in any form of it, is invalid', (t) => {
  for (const jwk of open) {
    const key = publicOf(jwk)
    const { kty, crv, x, y, n, e } = jwk
    const jwks = [key.export({ format: 'jwk' }), { kty, crv, x, y }, { kty, n, e }]
    const pem = key.export({ type: 'spki', format: 'pem' }).toString()
    const secrets: (string | Buffer)[] = [
      pem,
      pem.trimEnd(),
      pem.replaceAll('\n', '\r\n'),
      pem.replaceAll(/-----[A-Z ]+-----|\s/g, ''),
      key.export({ type: 'spki', format: 'der' }),
      ...jwks.map((one) => JSON.stringify(one)),
      ...[x, y, n].filter(Boolean).map((one) => Buffer.from(String(one), 'base64url')),
      ...[x, y, n].filter(Boolean).map(String),
    ]
    if (jwk === ps) {
      secrets.push(
        key.export({ type: 'pkcs1', format: 'pem' }),
        key.export({ type: 'pkcs1', format: 'der' }),
      )
    }
    const [, payload] = partsOf(jwk.kid)
    for (const secret of secrets) {
      for (const header of [
        head(jwk),
        head({ ...jwk, alg: 'HS256' }),
        head({ ...hs, kid: 'hs' }),
      ]) {
        invalid(t, [`${header}.${payload}.${mac(`${header}.${payload}`, secret)}`])
      }
    }
  }
})

test('a token of one key under the kid, or the alg, of another is invalid', (t) => {
  for (const jwk of rivals) {
    const [, payload] = partsOf(jwk.kid)
    for (const other of rivals) {
      if (other === jwk) continue
      invalid(t, [
        authentic(jwk, head({ ...jwk, kid: other.kid }), payload),
        authentic(jwk, head({ ...jwk, alg: other.alg }), payload),
        authentic(jwk, head({ ...other }), payload),
        `${partsOf(jwk.kid)[0]}.${payload}.${partsOf(other.kid)[2]}`,
      ])
    }
  }
})

test('another algorithm of the same kind of key is invalid, though its signature is right', (t) => {
  const [, payload] = partsOf('ps')
  const rsa = ring.find('ps')?.signs as KeyObject
  const pss = (saltLength: number) => ({ padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
  for (const [alg, form, hash] of [
    ['RS256', {}, 'sha256'],
    ['RS384', {}, 'sha384'],
    ['RS512', {}, 'sha512'],
    ['PS384', pss(48), 'sha384'],
    ['PS512', pss(64), 'sha512'],
  ] as const) {
    for (const named of [alg, 'PS256']) {
      const content = `${head({ ...ps, alg: named })}.${payload}`
      invalid(t, [`${content}.${signature(content, rsa, form, hash)}`])
    }
  }
  const ec = ring.find('es')?.signs as KeyObject
  for (const [alg, hash] of [
    ['ES384', 'sha384'],
    ['ES512', 'sha512'],
    ['ES256K', 'sha256'],
  ] as const) {
    const content = `${head({ ...es, alg })}.${payload}`
    invalid(t, [`${content}.${signature(content, ec, forms.ES256, hash)}`])
  }
})

test('a token of an unrelated key of the same kind is invalid', (t) => {
  const strangers = [keyJwk('ES256', 'es'), keyJwk('HS256', 'hs'), { ...ps, ...freshRsaJwk() }]
  const others = strangers.map((jwk) => keyRingOf(keysOf({ ...jwk, state: 'current' })))
  for (const one of others) {
    const forger = createTokenText({ ring: one, issuer: 'the issuer', audience: 'the audience' })
    invalid(t, [forger.write({ ...token, kid: one.current.kid })])
  }
})

test('a header that brings a key along, or says where one is, is invalid, and nobody goes there', async (t) => {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = own.publicKey.export({ format: 'jwk' })
  const der = own.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const [, payload] = partsOf('es')
  const members: Jwk[] = [
    { jwk },
    { jwk: { ...jwk, kid: 'es' } },
    { jku: url },
    { x5u: url },
    { x5c: [der] },
    { x5t: 'AA' },
    { 'x5t#S256': 'AA' },
    { jku: url, kid: 'own' },
    { jwk, kid: undefined },
    { crit: ['jwk'], jwk },
  ]
  for (const one of members) {
    const header = head(es, one)
    const content = `${header}.${payload}`
    invalid(t, [
      `${content}.${signature(content, own.privateKey, forms.ES256)}`,
      authentic(es, header, payload),
    ])
  }
  await delay(200)
  t.is(connections, 0)
})

const KIDS: unknown[] = [
  '',
  ' es',
  'es ',
  'es\0',
  'ES',
  'e',
  '../../../../dev/null',
  '/dev/null',
  'file:///proc/self/environ',
  'http://127.0.0.1/keys',
  "es' OR '1'='1",
  "x' UNION SELECT 'AA' --",
  'es"}) RETURN 1 //',
  '$(id)',
  '__proto__',
  'constructor',
  'toString',
  'size',
  'get',
  null,
  true,
  0,
  1,
  ['es'],
  [['es']],
  { kid: 'es' },
  { toString: 'es' },
  { __proto__: null, length: 2, 0: 'e', 1: 's' },
]

test('a kid is looked up as it stands: paths, statements, lists and objects find nothing', (t) => {
  for (const jwk of rivals) {
    const [, payload] = partsOf(jwk.kid)
    for (const kid of KIDS) {
      const header = head(jwk, { kid })
      invalid(t, [
        authentic(jwk, header, payload),
        ...['', '\0', 'AA', 'null', 'undefined'].map(
          (secret) => `${header}.${payload}.${mac(`${header}.${payload}`, secret)}`,
        ),
      ])
    }
    invalid(t, [authentic(jwk, head(jwk, { kid: undefined }), payload)])
    const polluted = encode(`{"alg":"${jwk.alg}","typ":"at+jwt","__proto__":{"kid":"${jwk.kid}"}}`)
    invalid(t, [authentic(jwk, polluted, payload)])
  }
})

test('a token with the payload or the header of another is invalid', (t) => {
  for (const jwk of rivals) {
    const [header, payload, own] = partsOf(jwk.kid)
    const [, eve, others] = partsOf(jwk.kid, { user: { ...token.user, username: 'eve' } })
    invalid(t, [`${header}.${eve}.${own}`, `${header}.${payload}.${others}`])
    for (const other of rivals) {
      if (other !== jwk) invalid(t, [`${head(other)}.${payload}.${own}`])
    }
  }
})

// Degenerate ECDSA (CVE-2022-21449 took r = s = 0 for a signature of anything)

const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn

test('an ECDSA signature whose r or s is 0, 1, n or beyond is invalid', (t) => {
  const [header, payload, own] = partsOf('es')
  const bytes = Buffer.from(own, 'base64url')
  const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32)]
  const odd = [0n, 1n, 2n, N - 1n, N, N + 1n, P, 2n ** 256n - 1n].map((number) =>
    Buffer.from(number.toString(16).padStart(64, '0'), 'hex'),
  )
  for (const one of odd) {
    for (const other of [...odd, r, s]) {
      for (const pair of [
        [one, other],
        [other, one],
      ]) {
        invalid(t, [`${header}.${payload}.${Buffer.concat(pair).toString('base64url')}`])
      }
    }
  }
})

test('an ECDSA signature of any other length or form is invalid', (t) => {
  const [header, payload, own] = partsOf('es')
  const bytes = Buffer.from(own, 'base64url')
  const content = `${header}.${payload}`
  const der = sign('sha256', Buffer.from(content), ring.find('es')?.signs as KeyObject)
  const blanks = Array.from({ length: 140 }, (_, length) => Buffer.alloc(length))
  const others = [
    der,
    bytes.subarray(0, 63),
    bytes.subarray(1),
    bytes.subarray(0, 32),
    Buffer.concat([bytes, Buffer.alloc(1)]),
    Buffer.concat([Buffer.alloc(1), bytes]),
    Buffer.concat([bytes, bytes]),
    Buffer.concat([bytes.subarray(32), bytes.subarray(0, 32)]),
    Buffer.from(bytes).reverse(),
  ]
  invalid(
    t,
    [...blanks, ...others].map((one) => `${content}.${one.toString('base64url')}`),
  )
})

test('a PSS signature of another length, salt or padding is invalid', (t) => {
  const [header, payload, own] = partsOf('ps')
  const content = `${header}.${payload}`
  const bytes = Buffer.from(own, 'base64url')
  const rsa = ring.find('ps')?.signs as KeyObject
  const blanks = [0, 1, 32, 255, 256, 383, 384, 385, 512].flatMap((size) => [
    Buffer.alloc(size),
    Buffer.alloc(size, 255),
    Buffer.alloc(size, 1),
  ])
  const modulus = Buffer.from(String(ps.n), 'base64url')
  const others = [
    modulus,
    bytes.subarray(1),
    bytes.subarray(0, 383),
    Buffer.concat([Buffer.alloc(1), bytes]),
    Buffer.concat([bytes, Buffer.alloc(1)]),
  ]
  invalid(
    t,
    [...blanks, ...others].map((one) => `${content}.${one.toString('base64url')}`),
  )
  for (const saltLength of [0, 20, 64]) {
    const form = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
    invalid(t, [`${content}.${signature(content, rsa, form)}`])
  }
  invalid(t, [`${content}.${signature(content, rsa)}`])
})

test('the other signature that anyone can make of an ES256 one reads as the same token', (t) => {
  const text = partsOf('es').join('.')
  const twin = otherSpelling(text)
  t.not(twin, text)
  t.deepEqual(texts.read(twin), texts.read(text))
  t.is(otherSpelling(twin), text)
})

test('a signature whose last character has spare bits set is invalid', (t) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  let tried = 0
  for (const jwk of [es, hs]) {
    const [header, payload, own] = partsOf(jwk.kid)
    const same = [...alphabet]
      .map((character) => own.slice(0, -1) + character)
      .filter((one) => one !== own)
      .filter((one) => Buffer.from(one, 'base64url').equals(Buffer.from(own, 'base64url')))
    invalid(
      t,
      same.map((one) => `${header}.${payload}.${one}`),
    )
    tried += same.length
  }
  t.is(tried, 15 + 3)
})

test('a token of PS256 with a key of 8192 bits would still be short enough to be read', (t) => {
  const username = 'a'.repeat(128)
  const [header, payload] = partsOf('es', { user: { ...token.user, username } })
  const longest = Math.ceil((8192 / 8) * (4 / 3))
  t.true(`${header}.${payload}.`.length + longest < 4096)
})

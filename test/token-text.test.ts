import { createHmac, generateKeyPairSync, type KeyObject, sign as signWith } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { AuthError } from '../src/error.ts'
import { createKeyRing } from '../src/keys.ts'
import type { Token } from '../src/token.ts'
import { createTokenText } from '../src/token-text.ts'

const SECRET = 'a secret of more than 32 bytes, for these tests'
const ring = createKeyRing(SECRET)
const texts = createTokenText({ ring, issuer: 'the issuer', audience: 'the audience' })
const { kid } = ring.current

const ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const token: Token = {
  id: 'tttttttttttttttttttttA',
  kid,
  issuedAt: 1_700_000_000_000,
  expiresAt: 1_700_000_900_000,
  authTime: 1_699_999_000_000,
  user: { id: 'uuuuuuuuuuuuuuuuuuuuuA', username: 'ada', generation: 3 },
  tenant: { id: 'nnnnnnnnnnnnnnnnnnnnnA', generation: 7 },
  sessions: ['sssssssssssssssssssssA', 'sssssssssssssssssssssQ'],
}

// Members as raw JSON, so that a text may say what no JSON library would write.
type Members = Record<string, string>

const HEADER: Members = { alg: '"HS256"', typ: '"at+jwt"', kid: JSON.stringify(kid) }
const CLAIMS: Members = {
  iss: '"the issuer"',
  aud: '"the audience"',
  sub: '"uuuuuuuuuuuuuuuuuuuuuA"',
  name: '"ada"',
  generation: '3',
  tenant: '"nnnnnnnnnnnnnnnnnnnnnA"',
  tenant_generation: '7',
  sid: '["sssssssssssssssssssssA","sssssssssssssssssssssQ"]',
  jti: '"tttttttttttttttttttttA"',
  iat: '1700000000',
  exp: '1700000900',
  auth_time: '1699999000',
}

function json(members: Members): string {
  const rows = Object.entries(members).map(([name, value]) => `${JSON.stringify(name)}:${value}`)
  return `{${rows.join()}}`
}

function without(members: Members, name: string): Members {
  return Object.fromEntries(Object.entries(members).filter(([other]) => other !== name))
}

function encode(part: string | Buffer): string {
  return Buffer.from(part as string).toString('base64url')
}

function mac(content: string, secret: string | KeyObject = SECRET, hash = 'sha256'): string {
  return createHmac(hash, secret).update(content).digest('base64url')
}

/** A text whose signature is right, whatever its first two parts are. */
function authentic(header: string | Buffer, payload: string | Buffer): string {
  const content = `${encode(header)}.${encode(payload)}`
  return `${content}.${mac(content)}`
}

function withHeader(members: Members): string {
  return authentic(json({ ...HEADER, ...members }), json(CLAIMS))
}

function withClaims(members: Members): string {
  return authentic(json(HEADER), json({ ...CLAIMS, ...members }))
}

const valid = texts.write(token)
const [header, payload, signature] = valid.split('.') as [string, string, string]

function invalid(t: ExecutionContext, given: Iterable<string>): void {
  for (const text of given) {
    t.throws(
      () => texts.read(text),
      { instanceOf: AuthError, code: 'token_is_invalid', message: 'Token is invalid' },
      text.slice(0, 300),
    )
  }
}

function isInvalid(text: string): boolean {
  try {
    texts.read(text)
    return false
  } catch (error) {
    return error instanceof AuthError && error.code === 'token_is_invalid'
  }
}

// Writing and reading

test('a token that is written and read is the same token', (t) => {
  t.deepEqual(texts.read(valid), token)
})

test('any token that is written and read is the same token', (t) => {
  const id = fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((bytes) => encode(Buffer.from(bytes)))
  const generation = fc.maxSafeNat()
  const username = fc.string({ unit: 'binary', maxLength: 64 })
  const seconds = fc.integer({ min: 1, max: 253_402_300_799 })
  const tokens = fc
    .tuple(
      seconds,
      seconds,
      seconds,
      fc.array(id, { minLength: 4, maxLength: 20 }),
      username,
      generation,
    )
    .map(([issued, expires, loggedIn, [own, user, tenant, ...sessions], name, count]) => ({
      id: own as string,
      kid,
      issuedAt: issued * 1000,
      expiresAt: expires * 1000,
      authTime: loggedIn * 1000,
      user: { id: user as string, username: name, generation: count },
      tenant: { id: tenant as string, generation: count },
      sessions: sessions as [string, ...string[]],
    }))
  t.notThrows(() =>
    fc.assert(
      fc.property(tokens, (one) => isDeepStrictEqual(texts.read(texts.write(one)), one)),
      { numRuns: 300 },
    ),
  )
})

// jsonwebtoken takes an iat of 0 for none, and puts in what its own clock says.
test('a token issued at second 0 keeps that date', (t) => {
  const old = { ...token, issuedAt: 0 }
  t.is(texts.write(old), withClaims({ iat: '0' }))
  t.deepEqual(texts.read(texts.write(old)), old)
})

test('a token gives the same bytes each time and on every replica', (t) => {
  const replica = createTokenText({
    ring: createKeyRing(SECRET),
    issuer: 'the issuer',
    audience: 'the audience',
  })
  t.is(texts.write(token), valid)
  t.is(replica.write(structuredClone(token)), valid)
})

// What the refusals below rest on: the texts made by hand are refused for their one fault alone.
test('a text made by hand from the same members is the text that is written', (t) => {
  t.is(authentic(json(HEADER), json(CLAIMS)), valid)
})

test('the members of an authentic text may come in any order', (t) => {
  const reversed = Object.fromEntries(Object.entries(CLAIMS).reverse())
  t.deepEqual(texts.read(authentic(json(HEADER), json(reversed))), token)
})

test('a token that has expired is read all the same', (t) => {
  t.is(texts.read(withClaims({ iat: '0', exp: '1' })).expiresAt, 1000)
})

test('a token of a key that is gone is written with the current one', (t) => {
  const text = texts.write({ ...token, kid: 'a key of last year' })
  t.is(text, valid)
  t.is(texts.read(text).kid, kid)
})

// Forgery

const NONE = ['none', 'None', 'NONE', 'nOnE', 'nonE', 'none ', ' none', 'none\0', 'ｎone', '']

test('a token with alg none in any spelling is invalid, whatever its signature', (t) => {
  for (const alg of NONE) {
    const head = encode(json({ ...HEADER, alg: JSON.stringify(alg) }))
    const content = `${head}.${payload}`
    const signatures = ['', signature, mac(content), mac(content, ''), encode('none'), 'AA']
    invalid(
      t,
      signatures.map((one) => `${content}.${one}`),
    )
    invalid(t, [content])
  }
})

test('a token with any alg but the one of its key is invalid', (t) => {
  const algs = [
    'hs256',
    'HS256 ',
    'HS1',
    'RS256',
    'ES256',
    'PS256',
    'EdDSA',
    'HMAC',
    'A256KW',
    'dir',
  ]
  invalid(
    t,
    algs.map((alg) => withHeader({ alg: JSON.stringify(alg) })),
  )
  const raw = ['null', 'true', '1', '["HS256"]', '{"alg":"HS256"}', '{"toString":"HS256"}']
  invalid(
    t,
    raw.map((alg) => withHeader({ alg })),
  )
  invalid(t, [authentic(json(without(HEADER, 'alg')), json(CLAIMS))])
})

test('a token signed by HS384 or HS512 with the right secret is invalid', (t) => {
  for (const [alg, hash] of [
    ['HS384', 'sha384'],
    ['HS512', 'sha512'],
  ] as const) {
    for (const named of [alg, 'HS256']) {
      const content = `${encode(json({ ...HEADER, alg: `"${named}"` }))}.${payload}`
      invalid(t, [`${content}.${mac(content, SECRET, hash)}`])
    }
  }
})

test('a token with a stripped, missing or doubled part is invalid', (t) => {
  invalid(t, [
    `${header}.${payload}.`,
    `${header}.${payload}`,
    `${header}.`,
    header,
    payload,
    signature,
    `.${payload}.${signature}`,
    `${header}..${signature}`,
    `..${signature}`,
    `${header}..`,
    `.${valid}`,
    `${valid}.`,
    `${valid}.${signature}`,
    `${header}.${payload}..${signature}`,
    `${header}.${header}.${payload}.${signature}`,
    `${valid}${valid}`,
    `${valid} ${valid}`,
    `${valid},${valid}`,
    `Bearer ${valid}`,
  ])
})

test('a token with a cut, stretched or blank signature is invalid', (t) => {
  const bytes = Buffer.from(signature, 'base64url')
  const lengths = [1, 2, 16, 31].map((length) => bytes.subarray(0, length))
  const others = [Buffer.concat([bytes, bytes]), Buffer.concat([bytes, Buffer.alloc(1)])]
  const blanks = [Buffer.alloc(32), Buffer.alloc(32, 255), Buffer.alloc(64)]
  invalid(
    t,
    [...lengths, ...others, ...blanks].map((one) => `${header}.${payload}.${encode(one)}`),
  )
})

test('a token with the payload or header of another token is invalid', (t) => {
  const other = texts.write({ ...token, user: { ...token.user, username: 'eve' } })
  const [, otherPayload, otherSignature] = other.split('.')
  invalid(t, [
    `${header}.${otherPayload}.${signature}`,
    `${header}.${payload}.${otherSignature}`,
    `${payload}.${header}.${signature}`,
    `${header}.${header}.${signature}`,
    `${encode(json({ ...HEADER, kid: '"x"' }))}.${payload}.${signature}`,
  ])
  t.is(texts.read(other).user.username, 'eve')
})

test('a token of an unrelated key is invalid', (t) => {
  const names = { issuer: 'the issuer', audience: 'the audience' }
  const other = createKeyRing(`${SECRET}.`)
  invalid(t, [createTokenText({ ring: other, ...names }).write(token)])
  const secrets = [
    `${SECRET}.`,
    SECRET.toUpperCase(),
    '',
    '\0',
    'secret',
    kid,
    Buffer.from(SECRET).toString('base64'),
    Buffer.from(SECRET).toString('hex'),
  ]
  invalid(
    t,
    secrets.map((secret) => `${header}.${payload}.${mac(`${header}.${payload}`, secret)}`),
  )
})

test('a token signed by a public-key algorithm, or by HMAC with a public key, is invalid', (t) => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ed = generateKeyPairSync('ed25519')
  const es256 = `${encode(json({ ...HEADER, alg: '"ES256"' }))}.${payload}`
  const eddsa = `${encode(json({ ...HEADER, alg: '"EdDSA"' }))}.${payload}`
  const pem = ec.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const ecdsa = signWith('sha256', Buffer.from(es256), {
    key: ec.privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  invalid(t, [
    `${es256}.${encode(ecdsa)}`,
    `${es256}.${encode(Buffer.alloc(64))}`,
    `${es256}.${encode(Buffer.alloc(63))}`,
    `${es256}.${mac(es256, pem)}`,
    `${eddsa}.${encode(signWith(null, Buffer.from(eddsa), ed.privateKey))}`,
    `${header}.${payload}.${mac(`${header}.${payload}`, pem)}`,
  ])
})

test('a token whose header says more than alg, typ and kid is invalid', (t) => {
  const members: Members = {
    jwk: '{"kty":"oct","k":"AA"}',
    jku: '"https://attacker.example/keys"',
    x5u: '"https://attacker.example/cert"',
    x5c: '["AA=="]',
    x5t: '"AA"',
    crit: '["b64"]',
    b64: 'false',
    zip: '"DEF"',
    cty: '"JWT"',
    enc: '"A256GCM"',
    nonce: '""',
    Kid: '"x"',
    ALG: '"none"',
    '': '0',
    __proto__x: 'null',
    constructor: '{}',
  }
  for (const [name, value] of Object.entries(members)) invalid(t, [withHeader({ [name]: value })])
  const proto = `${json(HEADER).slice(0, -1)},"__proto__":{"alg":"none"}}`
  const escaped = `${json(HEADER).slice(0, -1)},"\\u006aku":"https://attacker.example"}`
  invalid(t, [authentic(proto, json(CLAIMS)), authentic(escaped, json(CLAIMS))])
  invalid(t, [withHeader({ crit: '[]' }), withHeader({ crit: '["exp"]', exp: '1' })])
})

test('a token signed by the key in its own header is invalid', (t) => {
  const own = Buffer.from('the attacker brings this key along!')
  const jwk = JSON.stringify({ kty: 'oct', kid, k: encode(own) })
  for (const members of [{ jwk }, { jwk, kid: '"own"' }] as Members[]) {
    const content = `${encode(json({ ...HEADER, ...members }))}.${payload}`
    invalid(t, [`${content}.${mac(content, own.toString())}`])
  }
})

test('nobody connects to the address that a header names', async (t) => {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = JSON.stringify(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`)
  invalid(
    t,
    ['jku', 'x5u', 'jwk', 'kid', 'iss'].map((name) => withHeader({ [name]: url })),
  )
  await delay(200)
  t.is(connections, 0)
  server.close()
})

test('a kid is looked up and nothing else', (t) => {
  const kids = [
    '',
    '/dev/null',
    '../../../../../../dev/null',
    'file:///dev/null',
    "x' OR '1'='1",
    "x' UNION SELECT 'key' --",
    '"}) RETURN 1 //',
    '| whoami',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    `${kid} `,
    ` ${kid}`,
    `${kid}\0`,
    `${kid}\n`,
    kid.toUpperCase() === kid ? kid.toLowerCase() : kid.toUpperCase(),
    kid.slice(0, -1),
    'a'.repeat(2000),
  ].map((one) => JSON.stringify(one))
  const raw = ['null', 'true', '0', `[${HEADER.kid}]`, `{"kid":${HEADER.kid}}`, '{}', '[]', '1e999']
  for (const one of [...kids, ...raw]) {
    const content = `${encode(json({ ...HEADER, kid: one }))}.${payload}`
    const secrets = [SECRET, '', '\0', 'key', 'null', 'undefined', 'function Object']
    invalid(
      t,
      secrets.map((secret) => `${content}.${mac(content, secret)}`),
    )
  }
  invalid(t, [authentic(json(without(HEADER, 'kid')), json(CLAIMS))])
})

test('a token of another type is invalid', (t) => {
  const types = ['JWT', 'jwt', 'at+JWT', 'AT+JWT', 'at+jwt ', 'application/at+jwt', 'dpop+jwt', '']
  invalid(
    t,
    types.map((typ) => withHeader({ typ: JSON.stringify(typ) })),
  )
  const raw = ['null', '1', 'true', '["at+jwt"]', '{}']
  invalid(
    t,
    raw.map((typ) => withHeader({ typ })),
  )
  invalid(t, [authentic(json(without(HEADER, 'typ')), json(CLAIMS))])
})

// Authentic but wrong

const NOT_OBJECTS = [
  'not JSON',
  '{',
  '}',
  '{"exp":',
  `${json(CLAIMS)}x`,
  `${json(CLAIMS)}${json(CLAIMS)}`,
  `[${json(CLAIMS)}]`,
  '[]',
  'null',
  'true',
  '1',
  '"text"',
  JSON.stringify(json(CLAIMS)),
  ' ',
  '\0',
  `\ufeff${json(CLAIMS)}`,
  json(CLAIMS).replaceAll('"', "'"),
  json({ ...CLAIMS, exp: 'NaN' }),
  json({ ...CLAIMS, exp: 'Infinity' }),
  json({ ...CLAIMS, exp: '01700000900' }),
  json({ ...CLAIMS, exp: '0x10' }),
  json({ ...CLAIMS, exp: '1700000900,' }),
  json({ ...CLAIMS, name: '"a\nb"' }),
]

test('a token whose payload is not a JSON object is invalid, whatever its type', (t) => {
  for (const typ of ['"at+jwt"', '"JWT"']) {
    const head = json({ ...HEADER, typ })
    invalid(
      t,
      NOT_OBJECTS.map((body) => authentic(head, body)),
    )
    const unsigned = NOT_OBJECTS.map((body) => `${encode(head)}.${encode(body)}.${signature}`)
    invalid(t, unsigned)
  }
})

test('a token whose header is not a JSON object is invalid', (t) => {
  const heads = ['not JSON', '{', `[${json(HEADER)}]`, 'null', '1', '"HS256"', ' ', '\0']
  const more = [`\ufeff${json(HEADER)}`, `${json(HEADER)}x`, JSON.stringify(json(HEADER)), '{}']
  invalid(
    t,
    [...heads, ...more].map((head) => authentic(head, json(CLAIMS))),
  )
})

// Right for one claim or another, so each claim takes away what is right for it.
const WRONG = [
  'null',
  'true',
  'false',
  '""',
  '"text"',
  '"1700000900"',
  `"${ID}=="`,
  `"${ID.slice(1)}"`,
  `"${ID}A"`,
  `"${ID}\\n"`,
  '-1',
  '1.5',
  '1700000900.5',
  '1e999',
  '-1e999',
  '9007199254740992',
  '1e300',
  '{}',
  '[]',
  `["${ID}"]`,
  '[1700000900]',
  '[[]]',
  '{"length":1}',
  '{"valueOf":1}',
]
const NAMES = ['""', '"text"', '"1700000900"', `"${ID}=="`, `"${ID.slice(1)}"`, `"${ID}A"`]
const COUNTS = ['"3"', '["3"]', '[3]', '{"3":3}']
const SECONDS = [
  '253402300800',
  '1700000900000',
  '1700000900123',
  '9007199254740991',
  '"2030-01-01T00:00:00Z"',
]

const wrong: Record<string, string[]> = {
  iss: [...WRONG, '1', '"The issuer"', '"the issuer "', '["the issuer"]', '{"iss":"the issuer"}'],
  aud: [...WRONG, '1', '"other"', '["the audience"]', '["other","the audience"]'],
  sub: [...WRONG, '1', `{"sub":"${ID}"}`],
  name: [...WRONG.filter((one) => !NAMES.includes(one) && one !== `"${ID}\\n"`), '1', '["ada"]'],
  generation: [...WRONG, ...COUNTS],
  tenant: [...WRONG, '1', `{"id":"${ID}"}`],
  tenant_generation: [...WRONG, ...COUNTS],
  sid: [
    ...WRONG.filter((one) => one !== `["${ID}"]`),
    '1',
    `"${ID}"`,
    '[""]',
    '[null]',
    `["${ID}",1]`,
    `["${ID}",null]`,
    `["${ID}",["${ID}"]]`,
    `[["${ID}"]]`,
    `{"0":"${ID}","length":1}`,
  ],
  jti: [...WRONG, '1', `{"jti":"${ID}"}`],
  iat: [...WRONG, ...SECONDS],
  exp: [...WRONG, ...SECONDS],
  auth_time: [...WRONG, ...SECONDS],
}

for (const [claim, values] of Object.entries(wrong)) {
  test(`a token whose ${claim} is absent or wrong is invalid`, (t) => {
    invalid(t, [authentic(json(HEADER), json(without(CLAIMS, claim)))])
    for (const value of values) invalid(t, [withClaims({ [claim]: value })])
    invalid(t, [authentic(json(HEADER), json({ ...without(CLAIMS, claim), [`${claim} `]: '1' }))])
  })
}

test('every claim that is written is tried above', (t) => {
  t.deepEqual(Object.keys(wrong), Object.keys(CLAIMS))
})

test('a token may expire in the last second of the year 9999 and no later', (t) => {
  t.is(texts.read(withClaims({ exp: '253402300799' })).expiresAt, 253_402_300_799_000)
  invalid(t, [withClaims({ exp: '253402300800' })])
})

test('claims inside __proto__ do not count', (t) => {
  invalid(t, [
    authentic(json(HEADER), `{"__proto__":${json(CLAIMS)}}`),
    authentic(json(HEADER), `${json(without(CLAIMS, 'exp')).slice(0, -1)},"__proto__":{"exp":1}}`),
    authentic(json(HEADER), `{"claims":${json(CLAIMS)}}`),
  ])
})

test('a token that does not count yet is invalid', (t) => {
  invalid(t, [
    withClaims({ nbf: '253402300799' }),
    withClaims({ nbf: '1e999' }),
    withClaims({ nbf: '"0"' }),
    withClaims({ nbf: 'null' }),
  ])
})

test('a token with a member given twice is invalid', (t) => {
  const head = json(HEADER).slice(0, -1)
  const body = json(CLAIMS).slice(0, -1)
  for (const [name, value] of Object.entries(HEADER)) {
    invalid(t, [authentic(`${head},"${name}":${value}}`, json(CLAIMS))])
    invalid(t, [authentic(`{"${name}":"none",${head.slice(1)}}`, json(CLAIMS))])
  }
  for (const [name, value] of Object.entries(CLAIMS)) {
    invalid(t, [authentic(json(HEADER), `${body},"${name}":${value}}`)])
    invalid(t, [authentic(json(HEADER), `${body},"${name}" : null}`)])
  }
  invalid(t, [
    authentic(`${head},"\\u0061lg":"HS256"}`, json(CLAIMS)),
    authentic(json(HEADER), `${body},"e\\u0078p":1700000900}`),
    authentic(json(HEADER), `${body},"more":{"a":1,"a":1}}`),
    authentic(json(HEADER), `${body},"more":[{"a":[{"b":1,"\\u0062":1}]}]}`),
    authentic(json(HEADER), `${body},"__proto__":1,"__proto__":1}`),
  ])
})

test('a token with bytes that are not UTF-8 is invalid', (t) => {
  const broken = ['ff', 'c0af', '80', 'e282', 'eda080', 'f8888080', 'f4908080', 'fe', 'c3']
  for (const bytes of broken.map((hex) => Buffer.from(hex, 'hex'))) {
    const name = Buffer.concat([Buffer.from('"a'), bytes, Buffer.from('"')])
    const [before, after] = json({ ...CLAIMS, name: 'HERE' }).split('HERE') as [string, string]
    const member = Buffer.concat([Buffer.from(before), name, Buffer.from(after)])
    invalid(t, [
      authentic(json(HEADER), member),
      authentic(json(HEADER), Buffer.concat([Buffer.from(json(CLAIMS)), bytes])),
      authentic(Buffer.concat([Buffer.from(json(HEADER)), bytes]), json(CLAIMS)),
      authentic(bytes, json(CLAIMS)),
      authentic(json(HEADER), bytes),
    ])
  }
  invalid(t, [
    authentic(Buffer.from(json(HEADER), 'utf16le'), json(CLAIMS)),
    authentic(json(HEADER), Buffer.from(json(CLAIMS), 'utf16le')),
  ])
})

// Spellings

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Other spellings of a part, which a lenient decoder reads as the same bytes. */
function spellingsOf(part: string): string[] {
  const bytes = Buffer.from(part, 'base64url')
  const last = [...ALPHABET]
    .map((character) => part.slice(0, -1) + character)
    .filter((other) => other !== part && Buffer.from(other, 'base64url').equals(bytes))
  const inside = [' ', '\n', '\r\n', '\t', '\0', '=', '~', '\u00a0', '%', '*', 'é'].flatMap(
    (one) => [part + one, one + part, part.slice(0, 5) + one + part.slice(5)],
  )
  const padded = [`${part}=`, `${part}==`, `${part}===`, bytes.toString('base64')]
  const foreign = [
    part.replaceAll('-', '+'),
    part.replaceAll('_', '/'),
    encodeURIComponent(`${part}=`),
  ]
  return [...last, ...inside, ...padded, ...foreign].filter((other) => other !== part)
}

/** Authentic texts whose parts end in every place of a group of three bytes and use all characters. */
function* samples(): Generator<[string, string]> {
  for (const space of ['', ' ', '  ']) {
    for (const name of ['"??>"', '"???"', '">>>"']) {
      yield [encode(json(HEADER) + space), encode(json({ ...CLAIMS, name }) + space)]
    }
  }
}

test('a token with a second spelling is invalid', (t) => {
  let tried = 0
  for (const [head, body] of samples()) {
    const tag = mac(`${head}.${body}`)
    t.is(texts.read(`${head}.${body}.${tag}`).id, token.id)
    const others = [
      ...spellingsOf(head).map((one) => `${one}.${body}.${tag}`),
      ...spellingsOf(body).map((one) => `${head}.${one}.${tag}`),
      ...spellingsOf(tag).map((one) => `${head}.${body}.${one}`),
    ]
    invalid(t, others)
    tried += others.length
  }
  t.true(tried > 1000, `${tried}`)
})

test('a token whose second spelling itself was signed is invalid', (t) => {
  for (const [head, body] of samples()) {
    for (const one of spellingsOf(head)) invalid(t, [`${one}.${body}.${mac(`${one}.${body}`)}`])
    for (const one of spellingsOf(body)) invalid(t, [`${head}.${one}.${mac(`${head}.${one}`)}`])
  }
})

test('the last character of a signature has one spelling', (t) => {
  const same = [...ALPHABET]
    .map((character) => signature.slice(0, -1) + character)
    .filter((one) => Buffer.from(one, 'base64url').equals(Buffer.from(signature, 'base64url')))
  t.is(same.length, 4)
  t.deepEqual(
    same.filter((one) => !isInvalid(`${header}.${payload}.${one}`)),
    [signature],
  )
})

// Sizes

/** The authentic text of exactly that many characters. */
function ofLength(length: number): string {
  for (let head = 0; head < 3; head += 1) {
    const rest = length - 2 - signature.length - encode(json(HEADER) + ' '.repeat(head)).length
    const body = json(CLAIMS).padEnd(Math.floor((rest * 3) / 4))
    const text = authentic(json(HEADER) + ' '.repeat(head), body)
    if (text.length === length) return text
  }
  throw new RangeError(`no text has ${length} characters`)
}

test('a token of 4096 characters is read and one of 4097 is invalid', (t) => {
  t.deepEqual(texts.read(ofLength(4096)), token)
  invalid(t, [ofLength(4097)])
})

test('a token of 4 to 20 kB is invalid', (t) => {
  for (const size of [4097, 5000, 8192, 10_000, 16_384, 20_000]) {
    invalid(t, [
      ofLength(size),
      withClaims({ name: JSON.stringify('a'.repeat(size)) }),
      withHeader({ kid: JSON.stringify('a'.repeat(size)) }),
      'a'.repeat(size),
      '.'.repeat(size),
      'a.'.repeat(size / 2),
      `${valid}${' '.repeat(size)}`,
      `${header}.${payload}.${'A'.repeat(size)}`,
      encode('{"a":'.repeat(size / 5)),
    ])
  }
})

test('a text of nothing or of dots only is invalid', (t) => {
  invalid(t, ['', '.', '..', '...', '....', '.'.repeat(4096), '.'.repeat(20_000)])
  invalid(t, [' ', '\n', ' . . ', '\0', 'null', 'undefined', '[object Object]', '{}'])
})

test('a header or payload nested as deep as fits is invalid', (t) => {
  const deep = `{"a":${'['.repeat(900)}${']'.repeat(900)}}`
  invalid(t, [authentic(deep, json(CLAIMS)), authentic(json(HEADER), deep)])
  invalid(t, [authentic(json(HEADER), '['.repeat(2500)), authentic('{"a":'.repeat(500), '{}')])
})

// Any text at all

const codeUnits = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) })
const base64url = fc.uint8Array({ maxLength: 200 }).map((bytes) => encode(Buffer.from(bytes)))
const objects = fc
  .dictionary(fc.string(), fc.jsonValue())
  .map((value) => encode(JSON.stringify(value)))
const parts = fc.oneof(base64url, objects, fc.constantFrom(header, payload, signature, ''))

test('any text that was not written here is invalid, and nothing else is thrown', (t) => {
  const three = fc.array(parts, { minLength: 1, maxLength: 4 }).map((some) => some.join('.'))
  const any = fc.oneof(fc.string({ unit: 'binary' }), codeUnits, three)
  t.notThrows(() =>
    fc.assert(
      fc.property(any, (text) => text === valid || isInvalid(text)),
      { numRuns: 3000 },
    ),
  )
})

test('any authentic object that lacks a claim is invalid, and nothing else is thrown', (t) => {
  const claims = fc.dictionary(
    fc.oneof(fc.constantFrom(...Object.keys(CLAIMS)), fc.string()),
    fc.jsonValue(),
  )
  t.notThrows(() =>
    fc.assert(
      fc.property(claims, (value) => isInvalid(authentic(json(HEADER), JSON.stringify(value)))),
      { numRuns: 1000 },
    ),
  )
})

test('a text with any one character replaced, added or removed is invalid', (t) => {
  const characters = fc.oneof(
    fc.constantFrom(...ALPHABET, '.', '=', '+', '/'),
    fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
  )
  const change = fc.tuple(fc.nat(valid.length), fc.constantFrom(0, 1), characters, fc.boolean())
  t.notThrows(() =>
    fc.assert(
      fc.property(change, ([at, removed, character, added]) => {
        const text = valid.slice(0, at) + (added ? character : '') + valid.slice(at + removed)
        return text === valid || isInvalid(text)
      }),
      { numRuns: 5000 },
    ),
  )
})

test('a text with any one character in the other case is invalid', (t) => {
  const others = [...valid].map((character, i) => {
    const other =
      character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase()
    return valid.slice(0, i) + other + valid.slice(i + 1)
  })
  invalid(
    t,
    new Set([...others, valid.toUpperCase(), valid.toLowerCase()].filter((x) => x !== valid)),
  )
})

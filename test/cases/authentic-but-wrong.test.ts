import anyTest from 'ava'
import { newId } from '../../src/id.ts'
import { answersAtEveryDoor, asking, loggedIn } from '../support/asking.ts'
import { counted } from '../support/counted.ts'
import { bearer } from '../support/http-client.ts'
import { mint, object, type Parts, partsOf, sign } from '../support/minted.ts'
import { registerOnEngines } from '../support/suites.ts'

/** A token with the right signature, out of a good one of the user and a good one of somebody else. */
type Make = (parts: Parts, other: Parts, token: string) => string

const cases: Record<string, Make> = {
  'exp absent': claim('exp', undefined),
  'exp a string': claim('exp', ({ exp }) => `"${exp}"`),
  'exp a float': claim('exp', ({ exp }) => `${exp}.5`),
  'exp 1e999': claim('exp', '1e999'),
  'exp in ms': claim('exp', ({ exp }) => `${exp}000`),
  'exp null': claim('exp', 'null'),
  'exp below zero': claim('exp', '-1'),
  'jti of another user': ({ header, claims }, other) =>
    mint(object(header), object({ ...claims, jti: other.claims.jti as string })),
  'sub of another user': ({ header, claims }, other) =>
    mint(object(header), object({ ...claims, sub: other.claims.sub as string })),
  'sid of another user': ({ header, claims }, other) =>
    mint(object(header), object({ ...claims, sid: other.claims.sid as string })),
  'a session more in the path': claim('sid', ({ sid }) => `["${newId()}",${sid?.slice(1)}`),
  'claims inside __proto__': ({ header, claims }) =>
    mint(object(header), `{"__proto__":${object(claims)}}`),
  'an array as payload': ({ header, claims }) => mint(object(header), `[${object(claims)}]`),
  'a text as payload': ({ header }) => mint(object(header), '"text"'),
  'a payload that is not JSON': ({ header }) => mint(object(header), 'not JSON'),
  'invalid UTF-8 in the payload': ({ header, claims }) =>
    mint(object(header), broken(object({ ...claims, name: '"a?"' }))),
  'invalid UTF-8 in the header': ({ header, claims }) =>
    mint(broken(object({ ...header, typ: '"at+jwt?"' })), object(claims)),
  'non-canonical base64: padded': (_, __, token) => resigned(token, ([a, b]) => [`${a}=`, b]),
  'non-canonical base64: other last bits': (_, __, token) => looseBits(token),
  'non-canonical base64: the other alphabet': ({ header, claims }) => {
    const wide = object({ ...claims, name: '"\u00fb\u00ff\u03ff\u07ff"' })
    return resigned(mint(object(header), wide), ([a, b]) => [a, standard(b)])
  },
  'non-canonical base64: a line break': (_, __, token) =>
    resigned(token, ([a, b]) => [a, `${b.slice(0, 8)}\n${b.slice(8)}`]),
  'non-canonical base64: a character of no alphabet': (_, __, token) =>
    resigned(token, ([a, b]) => [a, `${b.slice(0, 8)}*${b.slice(8)}`]),
  'non-canonical base64: a padded signature': (_, __, token) => `${token}=`,
}

for (const name of ['iss', 'aud', 'sub', 'jti', 'sid', 'iat', 'name', 'generation', 'tenant']) {
  cases[`${name} absent`] = claim(name, undefined)
  cases[`${name} an object`] = claim(name, (claims) => `{"0":${claims[name]}}`)
  cases[`${name} an array`] = claim(name, (claims) => `[${claims[name]}]`)
  cases[`${name} null`] = claim(name, 'null')
}
for (const name of ['sub', 'jti', 'tenant']) {
  cases[`${name} of nobody`] = claim(name, () => `"${newId()}"`)
}
for (const name of ['iss', 'aud', 'sub', 'jti', 'tenant']) {
  cases[`${name} wrong`] = claim(name, '"wrong"')
  cases[`${name} a number`] = claim(name, '1')
}
for (const name of ['exp', 'sub', 'jti', 'aud']) {
  cases[`duplicate member ${name}`] = ({ header, claims }) =>
    mint(object(header), object(claims).replace('{', `{"${name}":${claims[name]},`))
}
cases['duplicate member spelt with an escape'] = ({ header, claims }) =>
  mint(object(header), object(claims).replace('{', `{"\\u0073ub":${claims.sub},`))
cases['duplicate member alg'] = ({ header, claims }) =>
  mint(object(header).replace('{', '{"alg":"HS256",'), object(claims))

/** A token with one claim changed: removed, or set to raw JSON. */
function claim(
  name: string,
  value: string | undefined | ((claims: Record<string, string>) => string),
): Make {
  return ({ header, claims }) => {
    const { [name]: _, ...others } = claims
    const raw = typeof value === 'function' ? value(claims) : value
    return mint(object(header), object(raw === undefined ? others : { ...claims, [name]: raw }))
  }
}

function broken(text: string): Buffer {
  return Buffer.from(text.replace('?', '\xff'), 'latin1')
}

/** The same parts in another spelling, with the right signature over that. */
function resigned(token: string, spell: (parts: [string, string]) => [string, string]): string {
  const [header = '', payload = ''] = token.split('.')
  const content = spell([header, payload]).join('.')
  return `${content}.${sign(content)}`
}

function standard(part: string): string {
  const spelt = part.replaceAll('-', '+').replaceAll('_', '/')
  if (spelt === part) throw new Error('there is nothing to spell otherwise')
  return spelt
}

// The last character of 32 bytes has two bits that no byte holds.
function looseBits(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.at(-1) as string)
  return token.slice(0, -1) + alphabet[last ^ 1]
}

registerOnEngines(
  (test, opened) => {
    for (const [name, make] of Object.entries(cases)) {
      test(`authentic but wrong: ${name}`, async (t) => {
        const { engine } = opened()
        const ask = await asking(t, engine)
        const user = await loggedIn(ask)
        const other = await loggedIn(ask)
        const wrong = make(partsOf(user.token), partsOf(other.token), user.token)
        t.not(wrong, user.token)
        const before = await counted(engine, user.username)
        await answersAtEveryDoor(t, ask, wrong, [400, 'Token is invalid'])
        t.deepEqual(await counted(engine, user.username), before, 'it writes nothing')
        for (const { token } of [user, other]) {
          t.is((await ask('GET', '/auth', bearer(token))).status, 200, 'it ends nothing')
        }
      })
    }

    test('authentic and right: what is minted here is a token of the service', async (t) => {
      const ask = await asking(t, opened().engine)
      const { token, username } = await loggedIn(ask)
      const { header, claims } = partsOf(token)
      t.is(mint(object(header), object(claims)), token)
      const turned = Object.fromEntries(Object.entries(claims).toReversed())
      const answer = await ask('GET', '/auth', bearer(mint(object(header), object(turned))))
      t.is(answer.json.username, username)
    })
  },
  undefined,
  anyTest.serial,
)

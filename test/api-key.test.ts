import test from 'ava'
import { createApiKeys, deriveApiKeySecret, keyIdOf } from '../src/api-key.ts'
import { newId } from '../src/id.ts'

const keys = createApiKeys('a secret that only the tests know of', newId)

test('a key is its prefix, its id of 128 bits and 256 random bits', (t) => {
  const { id, text, hash } = keys.make()
  t.regex(text, /^sgk_[\w-]{22}_[\w-]{43}$/)
  t.is(keyIdOf(text), id)
  t.is(Buffer.from(text.slice(27), 'base64url').length, 32)
  t.is(Buffer.from(hash, 'base64url').length, 32)
  t.false(hash.includes(text.slice(27)))
  const made = Array.from({ length: 100 }, () => keys.make())
  t.is(new Set(made.map((one) => one.text.slice(27))).size, 100)
  t.is(new Set(made.map((one) => one.id)).size, 100)
})

test('a key matches its own hash and no other', (t) => {
  const [one, other] = [keys.make(), keys.make()]
  t.true(keys.matches(one.text, one.hash))
  t.false(keys.matches(one.text, other.hash))
  for (const hash of ['', 'x', one.hash.slice(0, -2), `${one.hash}AA`, one.text]) {
    t.false(keys.matches(one.text, hash), hash)
  }
  // Another spelling of the same bytes is another key: the id is hashed with the secret.
  for (let i = 0; i < one.text.length; i += 1) {
    const changed = one.text[i] === 'A' ? 'B' : 'A'
    t.false(keys.matches(one.text.slice(0, i) + changed + one.text.slice(i + 1), one.hash))
  }
  t.false(keys.matches(`sgk_${other.id}_${one.text.slice(27)}`, one.hash))
})

test('hashes of another secret do not match, and the derived one is not the signing one', (t) => {
  const { text, hash } = keys.make()
  const signing = 'a secret that only the tests know of'
  t.false(createApiKeys('another secret that the tests know', newId).matches(text, hash))
  t.false(createApiKeys(deriveApiKeySecret(signing), newId).matches(text, hash))
  t.deepEqual(deriveApiKeySecret(signing), deriveApiKeySecret(signing))
  t.notDeepEqual(deriveApiKeySecret(signing), deriveApiKeySecret(`${signing}.`))
  t.is(deriveApiKeySecret(signing).length, 32)
})

test('what has not the form of a key has no id', (t) => {
  const { text } = keys.make()
  const others = ['', 'sgk_', 'SGK_', text.slice(1), `${text}A`, text.slice(0, -1), ` ${text}`]
  const signs = [`${text.slice(0, -1)}=`, `${text.slice(0, -1)}+`, `${text}\n`, 'x'.repeat(10_000)]
  for (const one of [...others, ...signs, text.replace('sgk_', 'sgk-'), `${text}, ${text}`]) {
    t.is(keyIdOf(one), undefined, one)
  }
})

import test from 'ava'
import { parseCallerName, parseScopes } from '../src/caller.ts'

const INVALID = { message: 'Request is invalid', code: 'request_is_invalid' }

test('a name is lower case, and what a certificate can bear', (t) => {
  for (const name of ['a', '7', 'shop', 'shop.eu-1_b', 'x'.repeat(64)]) {
    t.is(parseCallerName(name), name)
  }
  const others = ['', 'Shop', '.shop', '-a', '_a', 'a b', 'a#b', 'a\n', 'é', 'x'.repeat(65)]
  for (const name of [...others, 'a/b', 'a,b', '__proto__', 'ａ']) {
    t.throws(() => parseCallerName(name), INVALID, name)
  }
})

test('scopes are a list of those there are, each once, in one order', (t) => {
  t.deepEqual(parseScopes(['users', 'verify']), ['verify', 'users'])
  t.deepEqual(parseScopes(['admin', 'admin']), ['admin'])
  for (const names of [[], [''], ['verify', 'all'], ['Verify'], ['verify '], ['constructor']]) {
    t.throws(() => parseScopes(names), INVALID, names.join())
  }
})

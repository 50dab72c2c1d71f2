import test from 'ava'
import { AuthError, type Code, codes } from '../src/error.ts'

// The API table of the design, word for word.
const table = [
  [400, 'Username validation failed'],
  [400, 'Password validation failed'],
  [409, 'User already exists'],
  [400, 'User does not exist'],
  [401, 'Bad credentials'],
  [400, 'Token must be provided'],
  [400, 'Token is invalid'],
  [401, 'Token is expired'],
  [401, 'Token is blacklisted'],
  [400, 'Request is invalid'],
  [405, 'Method not allowed'],
  [413, 'Request is too large'],
  [429, 'Too many attempts'],
  [500, 'Unknown server error'],
  [503, 'Service unavailable'],
] as const

// What the table does not name: a path that is not there, who may call, tenants and their users.
const besides = [
  [404, 'Not found'],
  [401, 'Caller is unknown', 'caller_unknown'],
  [403, 'Caller may not do this', 'caller_scope'],
  [400, 'Caller does not exist'],
  [409, 'Caller already exists'],
  [400, 'Tenant does not exist'],
  [409, 'Tenant already exists'],
  [403, 'Tenant is suspended'],
  [403, 'User is suspended'],
  [400, 'Session does not exist'],
] as const

function codeOf(message: string, code = message.toLowerCase().replaceAll(' ', '_')): Code {
  return code as Code
}

for (const [status, message, named] of [...table, ...besides]) {
  const code = codeOf(message, named)
  test(`${code} is ${status} "${message}"`, (t) => {
    t.true(codes.includes(code))
    const error = new AuthError(code)
    t.is(error.code, code)
    t.is(error.status, status)
    t.is(error.message, message)
  })
}

test('the list of codes is closed', (t) => {
  const expected = [...table, ...besides].map(([, message, named]) => codeOf(message, named))
  t.deepEqual([...codes].sort(), expected.sort())
})

test('every code says what to do next, in a sentence', (t) => {
  for (const code of codes) {
    t.regex(new AuthError(code).detail, /^[A-Z].{8,}\.$/, code)
  }
})

test('a failure is an Error with its own name, and says no more than it was told', (t) => {
  const error = new AuthError('bad_credentials')
  t.true(error instanceof Error)
  t.is(error.name, 'AuthError')
  t.is(error.cause, undefined)
  t.deepEqual(error.about, {})
})

test('a detail replaces the advice; a cause and ids are kept for the log', (t) => {
  const cause = new Error('underneath')
  const about = { user: 'a user', jti: 'a token' }
  const error = new AuthError('service_unavailable', { detail: 'Come back.', cause, about })
  t.is(error.detail, 'Come back.')
  t.is(error.cause, cause)
  t.deepEqual(error.about, about)
  t.is(error.message, 'Service unavailable')
  t.is(error.status, 503)
})

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

// A path that is not there: no call of the API ends so, and the table does not name it.
const besides = [[404, 'Not found']] as const

function snakeCase(message: string): string {
  return message.toLowerCase().replaceAll(' ', '_')
}

for (const [status, message] of [...table, ...besides]) {
  const code = snakeCase(message) as Code
  test(`${code} is ${status} "${message}"`, (t) => {
    t.true(codes.includes(code))
    const error = new AuthError(code)
    t.is(error.code, code)
    t.is(error.status, status)
    t.is(error.message, message)
  })
}

test('the list of codes is closed', (t) => {
  const expected = [...table, ...besides].map(([, message]) => snakeCase(message))
  t.deepEqual([...codes].sort(), expected.sort() as Code[])
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

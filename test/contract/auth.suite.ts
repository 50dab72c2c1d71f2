import type { ExecutionContext } from 'ava'
import type { Auth } from '../../src/auth.ts'
import { AuthError, type Code } from '../../src/error.ts'
import type { Rules } from '../../src/service/service.ts'
import type { Declare } from '../support/suites.ts'
import { newUsername, PASSWORD } from '../support/world.ts'

/** What the suite asks for: verbs that work by these rules, on one graph. */
export type AuthBy = (rules?: Partial<Rules>) => Auth

/** Asserts that a verb refuses with this code and its sentence. */
export async function refuses(
  t: ExecutionContext,
  work: Promise<unknown>,
  code: Code,
): Promise<void> {
  const error = await t.throwsAsync(work, { instanceOf: AuthError })
  t.is((error as AuthError).code, code)
  t.is(error?.message, new AuthError(code).message)
}

/** What the verbs promise, whoever implements them. */
export function authContract(test: Declare, authBy: AuthBy): void {
  async function registered(auth: Auth) {
    const credentials = { username: newUsername(), password: PASSWORD }
    await auth.register(credentials)
    return credentials
  }

  async function loggedIn(auth: Auth): Promise<string> {
    return (await auth.login(await registered(auth))).text
  }

  test('a user registers, logs in, verifies, refreshes and logs out', async (t) => {
    const auth = authBy()
    const credentials = await registered(auth)
    const granted = await auth.login(credentials)
    const verified = await auth.verify(granted.text)
    t.is(verified.username, credentials.username)
    t.is(verified.expiresAt, granted.expiresAt)
    t.is(verified.refreshAfter, granted.refreshAfter)
    const next = await auth.refresh(granted.text)
    const after = await auth.verify(next.text)
    t.is(after.session, verified.session)
    t.not(next.text, granted.text)
    await auth.blacklist(next.text, 'session')
    await refuses(t, auth.verify(next.text), 'token_is_blacklisted')
    await refuses(t, auth.verify(granted.text), 'token_is_blacklisted')
  })

  test('a name is taken in every spelling of it', async (t) => {
    const auth = authBy()
    const { username } = await registered(auth)
    const spellings = [username, username.toUpperCase(), username.replace('u', '\uff55')]
    for (const spelling of spellings) {
      const again = { username: spelling, password: PASSWORD }
      await refuses(t, auth.register(again), 'user_already_exists')
      t.truthy(await auth.login(again))
    }
  })

  test('of 20 registrations at once one succeeds, and its password logs in', async (t) => {
    const auth = authBy()
    const username = newUsername()
    const racers = Array.from({ length: 20 }, (_, i) => ({
      username,
      password: `${PASSWORD} ${i}`,
    }))
    const outcomes = await Promise.allSettled(racers.map((racer) => auth.register(racer)))
    const winners = racers.filter((_, i) => outcomes[i]?.status === 'fulfilled')
    t.is(winners.length, 1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') t.is(outcome.reason.code, 'user_already_exists')
    }
    for (const racer of racers) {
      if (racer === winners[0]) t.truthy(await auth.login(racer))
      else await refuses(t, auth.login(racer), 'bad_credentials')
    }
  })

  test('what is wrong with a username or a password is told first', async (t) => {
    const auth = authBy()
    const username = newUsername()
    for (const bad of ['', 'two words', 'a'.repeat(129), 'a\nb', '$(id)', 'ünï']) {
      const credentials = { username: bad, password: PASSWORD }
      await refuses(t, auth.register(credentials), 'username_validation_failed')
      await refuses(t, auth.login(credentials), 'username_validation_failed')
      await refuses(t, auth.changePassword(credentials), 'username_validation_failed')
    }
    for (const bad of ['', 'short', 'a'.repeat(129), 'password123', '\ud800 lone surrogate']) {
      const credentials = { username, password: bad }
      await refuses(t, auth.register(credentials), 'password_validation_failed')
      await refuses(t, auth.changePassword(credentials), 'password_validation_failed')
    }
    await refuses(t, auth.login({ username, password: '' }), 'password_validation_failed')
  })

  test('an unknown user and a wrong password are told apart', async (t) => {
    const auth = authBy()
    const { username } = await registered(auth)
    const unknown = { username: newUsername(), password: PASSWORD }
    await refuses(t, auth.login({ username, password: 'wrong' }), 'bad_credentials')
    await refuses(t, auth.login(unknown), 'user_does_not_exist')
    await refuses(t, auth.changePassword(unknown), 'user_does_not_exist')
  })

  test('an unknown user is answered like a wrong password where that is hidden', async (t) => {
    const auth = authBy({ hideUnknownUsers: true })
    const unknown = { username: newUsername(), password: PASSWORD }
    await refuses(t, auth.login(unknown), 'bad_credentials')
    await refuses(t, auth.changePassword(unknown), 'bad_credentials')
    const change = { ...unknown, currentPassword: PASSWORD }
    await refuses(t, auth.changePassword(change), 'bad_credentials')
  })

  test('a changed password ends all sessions, and only the new one logs in', async (t) => {
    const auth = authBy()
    const credentials = await registered(auth)
    const tokens = [(await auth.login(credentials)).text, (await auth.login(credentials)).text]
    await auth.changePassword({ ...credentials, password: 'another horse' })
    for (const token of tokens) {
      await refuses(t, auth.verify(token), 'token_is_blacklisted')
      await refuses(t, auth.refresh(token), 'token_is_blacklisted')
      await refuses(t, auth.blacklist(token, 'session'), 'token_is_blacklisted')
    }
    await refuses(t, auth.login(credentials), 'bad_credentials')
    const { text } = await auth.login({ ...credentials, password: 'another horse' })
    t.is((await auth.verify(text)).username, credentials.username)
  })

  test('a given current password must be right', async (t) => {
    const auth = authBy()
    const credentials = await registered(auth)
    const change = { ...credentials, password: 'another horse' }
    await refuses(t, auth.changePassword({ ...change, currentPassword: 'no' }), 'bad_credentials')
    await auth.login(credentials)
    await auth.changePassword({ ...change, currentPassword: PASSWORD })
    t.truthy(await auth.login(change))
  })

  test('the current password must be given where the rules ask for it', async (t) => {
    const auth = authBy({ requireCurrentPassword: true })
    const credentials = await registered(auth)
    const change = { ...credentials, password: 'another horse' }
    await refuses(t, auth.changePassword(change), 'password_validation_failed')
    await auth.changePassword({ ...change, currentPassword: PASSWORD })
    t.truthy(await auth.login(change))
  })

  test('no log-in that races a change of the password leaves a living session', async (t) => {
    const auth = authBy()
    const credentials = await registered(auth)
    const logins = Array.from({ length: 10 }, () => auth.login(credentials))
    const change = auth.changePassword({ ...credentials, password: 'another horse' })
    const granted = await Promise.allSettled(logins)
    await change
    for (const outcome of granted) {
      if (outcome.status === 'rejected') t.is(outcome.reason.code, 'bad_credentials')
      else await refuses(t, auth.verify(outcome.value.text), 'token_is_blacklisted')
    }
  })

  test('50 refreshes at once give the same bytes', async (t) => {
    const auth = authBy()
    const text = await loggedIn(auth)
    const grants = await Promise.all(Array.from({ length: 50 }, () => auth.refresh(text)))
    t.is(new Set(grants.map((granted) => JSON.stringify(granted))).size, 1)
    t.truthy(await auth.verify(text))
    t.truthy(await auth.verify(grants[0]?.text as string))
  })

  test('a token that comes back after its grace ends its session', async (t) => {
    const auth = authBy({ graceSeconds: 0 })
    const text = await loggedIn(auth)
    const next = await auth.refresh(text)
    await refuses(t, auth.verify(text), 'token_is_blacklisted')
    t.truthy(await auth.verify(next.text), 'verify alone ends nothing')
    await refuses(t, auth.refresh(text), 'token_is_blacklisted')
    await refuses(t, auth.verify(next.text), 'token_is_blacklisted')
  })

  test('without reuse detection it is only refused', async (t) => {
    const auth = authBy({ graceSeconds: 0, reuseDetection: false })
    const text = await loggedIn(auth)
    const next = await auth.refresh(text)
    await refuses(t, auth.refresh(text), 'token_is_blacklisted')
    t.truthy(await auth.verify(next.text))
  })

  test('the grace ends by the clock', async (t) => {
    const auth = authBy({ graceSeconds: 4 })
    const text = await loggedIn(auth)
    const next = await auth.refresh(text)
    t.is((await auth.refresh(text)).text, next.text)
    await after(4_100)
    await refuses(t, auth.verify(text), 'token_is_blacklisted')
    await refuses(t, auth.refresh(text), 'token_is_blacklisted')
    await refuses(t, auth.verify(next.text), 'token_is_blacklisted')
  })

  test('a log-out with a refreshed token logs out, within the grace and after it', async (t) => {
    const within = authBy()
    const first = await loggedIn(within)
    const second = await within.refresh(first)
    await within.blacklist(first, 'session')
    await refuses(t, within.verify(second.text), 'token_is_blacklisted')

    for (const reuseDetection of [true, false]) {
      const past = authBy({ graceSeconds: 0, reuseDetection })
      const third = await loggedIn(past)
      const fourth = await past.refresh(third)
      await refuses(t, past.blacklist(third, 'session'), 'token_is_blacklisted')
      await refuses(t, past.verify(fourth.text), 'token_is_blacklisted')
    }
  })

  test('a token can be ended alone', async (t) => {
    const auth = authBy()
    const first = await loggedIn(auth)
    const second = await auth.refresh(first)
    await auth.blacklist(first, 'token')
    await refuses(t, auth.verify(first), 'token_is_blacklisted')
    await refuses(t, auth.refresh(first), 'token_is_blacklisted')
    await refuses(t, auth.blacklist(first, 'token'), 'token_is_blacklisted')
    t.truthy(await auth.verify(second.text))
  })

  test('a refresh whose successor was ended says so', async (t) => {
    const auth = authBy()
    const first = await loggedIn(auth)
    const second = await auth.refresh(first)
    await auth.blacklist(second.text, 'token')
    await refuses(t, auth.refresh(first), 'token_is_blacklisted')
    t.truthy(await auth.verify(first), 'its own grace goes on')
  })

  test('of 20 log-outs at once one succeeds and the rest are told', async (t) => {
    const auth = authBy()
    const text = await loggedIn(auth)
    const ends = Array.from({ length: 20 }, () => auth.blacklist(text, 'session'))
    const outcomes = await Promise.allSettled(ends)
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    t.is(refused.length, 19)
    for (const { reason } of refused) t.is(reason.code, 'token_is_blacklisted')
  })

  test('expired wins over blacklisted, at every door', async (t) => {
    const auth = authBy({ tokenSeconds: 1 })
    const credentials = await registered(auth)
    const [kept, ended] = [await auth.login(credentials), await auth.login(credentials)]
    await auth.blacklist(ended.text, 'session').catch(() => undefined)
    await after(1_100)
    for (const { text } of [kept, ended]) {
      await refuses(t, auth.verify(text), 'token_is_expired')
      await refuses(t, auth.refresh(text), 'token_is_expired')
      await refuses(t, auth.blacklist(text, 'session'), 'token_is_expired')
    }
  })

  test('what is not a token of ours is invalid, at every door', async (t) => {
    const auth = authBy()
    const text = await loggedIn(auth)
    for (const junk of ['', 'junk', 'a.b.c', `${text}A`, text.slice(0, -1), text.toUpperCase()]) {
      await refuses(t, auth.verify(junk), 'token_is_invalid')
      await refuses(t, auth.refresh(junk), 'token_is_invalid')
      await refuses(t, auth.blacklist(junk, 'session'), 'token_is_invalid')
    }
  })
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

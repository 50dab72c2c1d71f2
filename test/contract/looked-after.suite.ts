import type { Auth, Grant } from '../../src/auth.ts'
import type { Directory } from '../../src/directory.ts'
import type { AuthError } from '../../src/error.ts'
import type { Rules } from '../../src/service/service.ts'
import type { Declare } from '../support/suites.ts'
import { newTenant, newUsername, PASSWORD } from '../support/world.ts'
import { refuses } from './auth.suite.ts'

/** What the suite asks for: verbs that work by these rules, on one graph. */
export type VerbsBy = (rules?: Partial<Rules>) => { auth: Auth; directory: Directory }

/** What log-ins and tokens are when users and tenants are looked after, whoever implements it. */
export function lookedAfterContract(test: Declare, verbsBy: VerbsBy): void {
  async function registered(auth: Auth, tenant?: string) {
    const credentials = {
      username: newUsername(),
      password: PASSWORD,
      ...(tenant !== undefined && { tenant }),
    }
    await auth.register(credentials)
    return credentials
  }

  async function addTenant(directory: Directory) {
    return directory.addTenant(newTenant())
  }

  test('a suspended user is told so after the right password, and nothing before', async (t) => {
    const { auth, directory } = verbsBy()
    const user = await registered(auth)
    const { text } = await auth.login(user)
    await directory.suspendUser(user)
    await refuses(t, auth.verify(text), 'token_is_blacklisted')
    await refuses(t, auth.refresh(text), 'token_is_blacklisted')
    await refuses(t, auth.login({ ...user, password: 'wrong' }), 'bad_credentials')
    await refuses(t, auth.login(user), 'user_is_suspended')
    await refuses(t, auth.register(user), 'user_already_exists')
    await directory.suspendUser(user)
    t.like(await directory.showUser(user), { status: 'suspended', sessions: 0 })
    await directory.reinstateUser(user)
    await refuses(t, auth.verify(text), 'token_is_blacklisted')
    const again = await auth.login(user)
    t.is((await auth.verify(again.text)).username, user.username)
    await refuses(t, auth.verify(text), 'token_is_blacklisted')
  })

  test('a password may be changed while the user is suspended; it lets nobody in', async (t) => {
    const { auth, directory } = verbsBy()
    const user = await registered(auth)
    await directory.suspendUser(user)
    const changed = { ...user, password: 'another horse' }
    await auth.changePassword(changed)
    await refuses(t, auth.login(user), 'bad_credentials')
    await refuses(t, auth.login(changed), 'user_is_suspended')
    await directory.reinstateUser(user)
    t.truthy(await auth.login(changed))
  })

  test('a deleted name may be registered again, and its old tokens stay dead', async (t) => {
    const { auth, directory } = verbsBy()
    const user = await registered(auth)
    const texts = [(await auth.login(user)).text, (await auth.login(user)).text] as const
    const refreshed = await auth.refresh(texts[1])
    const { user: id } = await directory.deleteUser(user)
    const old = [...texts, refreshed.text]
    async function areDead(): Promise<void> {
      for (const text of old) {
        await refuses(t, auth.verify(text), 'token_is_blacklisted')
        await refuses(t, auth.refresh(text), 'token_is_blacklisted')
        await refuses(t, auth.blacklist(text, 'session'), 'token_is_blacklisted')
      }
    }
    await areDead()
    await refuses(t, auth.login(user), 'user_does_not_exist')
    await refuses(t, directory.deleteUser(user), 'user_does_not_exist')
    const again = await auth.register(user)
    t.not(again.user, id)
    const { text } = await auth.login(user)
    t.is((await auth.verify(text)).user, again.user)
    await areDead()
    t.is((await directory.listSessions(user)).length, 1)
  })

  test('sessions are listed, and ended one by one, all but one, or all', async (t) => {
    const { auth, directory } = verbsBy()
    const user = await registered(auth)
    const texts: string[] = []
    for (let i = 0; i < 5; i += 1) texts.push((await auth.login(user)).text)
    const sessions: string[] = []
    for (const text of texts) sessions.push((await auth.verify(text)).session)
    const listed = await directory.listSessions(user)
    t.deepEqual(listed.map(({ id }) => id).toSorted(), sessions.toSorted())
    t.true(listed.every(({ state }) => state === 'live'))
    async function dead(): Promise<number[]> {
      const seen = await Promise.allSettled(texts.map((text) => auth.verify(text)))
      return seen.flatMap(({ status }, i) => (status === 'rejected' ? i : []))
    }
    await directory.endSessions({ ...user, session: sessions[1] as string })
    t.deepEqual(await dead(), [1])
    await directory.endSessions({ ...user, session: sessions[1] as string })
    await directory.endSessions({ ...user, except: sessions[3] as string })
    t.deepEqual(await dead(), [0, 1, 2, 4])
    t.is((await directory.showUser(user)).sessions, 1)
    await directory.endSessions(user)
    t.deepEqual(await dead(), [0, 1, 2, 3, 4])
    t.truthy(await auth.login(user))
  })

  test("another's session does not exist, and two that are named are too many", async (t) => {
    const { auth, directory } = verbsBy()
    const [user, other] = [await registered(auth), await registered(auth)]
    const [mine, others] = [await auth.login(user), await auth.login(other)]
    const { session } = await auth.verify(others.text)
    for (const one of [session, 'junk', '']) {
      await refuses(t, directory.endSessions({ ...user, session: one }), 'session_does_not_exist')
      await refuses(t, directory.endSessions({ ...user, except: one }), 'session_does_not_exist')
    }
    const own = (await auth.verify(mine.text)).session
    const both = { ...user, session: own, except: own }
    await refuses(t, directory.endSessions(both), 'request_is_invalid')
    t.truthy(await auth.verify(mine.text))
    t.truthy(await auth.verify(others.text))
  })

  test('who is not there is told so, whatever is asked', async (t) => {
    const { directory } = verbsBy({ hideUnknownUsers: true })
    const { name } = await addTenant(directory)
    const username = newUsername()
    for (const one of [{ username }, { username, tenant: name }, { username, tenant: 'no/one' }]) {
      await refuses(t, directory.showUser(one), 'user_does_not_exist')
      await refuses(t, directory.listSessions(one), 'user_does_not_exist')
      await refuses(t, directory.endSessions(one), 'user_does_not_exist')
      await refuses(t, directory.suspendUser(one), 'user_does_not_exist')
      await refuses(t, directory.reinstateUser(one), 'user_does_not_exist')
      await refuses(t, directory.deleteUser(one), 'user_does_not_exist')
    }
    await refuses(t, directory.suspendTenant(newTenant()), 'tenant_does_not_exist')
    await refuses(t, directory.reinstateTenant(newTenant()), 'tenant_does_not_exist')
    for (const bad of ['', 'Acme', 'a/b', 'a b', 'a'.repeat(65), 'ä', 'a\n']) {
      await refuses(t, directory.addTenant(bad), 'request_is_invalid')
    }
    await refuses(t, directory.addTenant(name), 'tenant_already_exists')
    t.truthy((await directory.listTenants()).find((tenant) => tenant.name === name))
  })

  test('a username in two tenants is two users', async (t) => {
    const { auth, directory } = verbsBy()
    const [one, other] = [await addTenant(directory), await addTenant(directory)]
    const user = await registered(auth, one.name)
    const twin = { ...user, tenant: other.name, password: 'another horse' }
    await auth.register(twin)
    await refuses(t, auth.register(user), 'user_already_exists')
    await refuses(t, auth.login({ ...user, tenant: other.name }), 'bad_credentials')
    const { username, password } = user
    await refuses(t, auth.login({ username, password }), 'user_does_not_exist')
    const tokens = [await auth.login(user), await auth.login(twin)] as const
    t.not(tokens[0].user, tokens[1].user)
    await directory.deleteUser(user)
    await refuses(t, auth.verify(tokens[0].text), 'token_is_blacklisted')
    t.is((await auth.verify(tokens[1].text)).user, tokens[1].user)
  })

  test('an unknown tenant has no users and takes none', async (t) => {
    const { auth } = verbsBy()
    const tenant = newTenant()
    const user = { tenant, username: newUsername(), password: PASSWORD }
    await refuses(t, auth.login(user), 'user_does_not_exist')
    await refuses(t, auth.changePassword(user), 'user_does_not_exist')
    await refuses(t, auth.register(user), 'tenant_does_not_exist')
  })

  test('a suspended tenant ends its sessions and refuses, in the order that is told', async (t) => {
    const { auth, directory } = verbsBy()
    const { name } = await addTenant(directory)
    const [user, second] = [await registered(auth, name), await registered(auth, name)]
    const outside = await registered(auth)
    const tokens = [await auth.login(user), await auth.login(second)]
    const unconcerned = await auth.login(outside)
    await directory.suspendUser(second)
    await directory.suspendTenant(name)
    await directory.suspendTenant(name)
    for (const { text } of tokens) await refuses(t, auth.verify(text), 'token_is_blacklisted')
    t.truthy(await auth.verify(unconcerned.text))
    await refuses(t, auth.login({ ...user, username: '' }), 'username_validation_failed')
    await refuses(t, auth.login({ ...user, username: newUsername() }), 'user_does_not_exist')
    await refuses(t, auth.login({ ...user, password: 'wrong' }), 'bad_credentials')
    await refuses(t, auth.login(user), 'tenant_is_suspended')
    await refuses(t, auth.login(second), 'tenant_is_suspended')
    await refuses(t, auth.register({ ...user, password: 'short' }), 'password_validation_failed')
    await refuses(t, auth.register(user), 'tenant_is_suspended')
    await refuses(t, auth.register({ ...user, username: newUsername() }), 'tenant_is_suspended')
    await directory.reinstateTenant(name)
    for (const { text } of tokens) await refuses(t, auth.verify(text), 'token_is_blacklisted')
    await refuses(t, auth.login(second), 'user_is_suspended')
    const again = await auth.login(user)
    const next = await auth.refresh(again.text)
    t.truthy(await auth.verify(next.text))
    for (const { text } of tokens) await refuses(t, auth.refresh(text), 'token_is_blacklisted')
  })

  test('no log-in that races a suspension leaves a living session', async (t) => {
    const { auth, directory } = verbsBy()
    for (const what of ['tenant', 'user'] as const) {
      const { name } = await addTenant(directory)
      const user = await registered(auth, name)
      const logins = Array.from({ length: 10 }, () => auth.login(user))
      await new Promise((resolve) => setTimeout(resolve, 5))
      await (what === 'tenant' ? directory.suspendTenant(name) : directory.suspendUser(user))
      const granted = await Promise.allSettled(logins)
      await (what === 'tenant' ? directory.reinstateTenant(name) : directory.reinstateUser(user))
      for (const outcome of granted) {
        if (outcome.status === 'rejected') {
          t.true([`${what}_is_suspended`, 'service_unavailable'].includes(outcome.reason.code))
        } else await refuses(t, auth.verify(outcome.value.text), 'token_is_blacklisted')
      }
    }
  })

  test("another tenant's token is invalid at every door, in every state", async (t) => {
    const { auth, directory } = verbsBy()
    const short = verbsBy({ tokenSeconds: 1 }).auth
    const [one, other] = [await addTenant(directory), await addTenant(directory)]
    const user = await registered(auth, one.name)
    const expired = await short.login(user)
    const [valid, ended] = [await auth.login(user), await auth.login(user)]
    for (const { text } of [valid, ended]) await auth.verify(text, one.id)
    await auth.blacklist(ended.text, 'session', one.id)
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    for (const { text } of [valid, ended, expired]) {
      for (const within of [other.id, 'junk', '']) {
        await refuses(t, auth.verify(text, within), 'token_is_invalid')
        await refuses(t, auth.refresh(text, within), 'token_is_invalid')
        await refuses(t, auth.blacklist(text, 'session', within), 'token_is_invalid')
        await refuses(t, auth.blacklist(text, 'token', within), 'token_is_invalid')
      }
    }
    await refuses(t, auth.verify(ended.text, one.id), 'token_is_blacklisted')
    await refuses(t, auth.verify(expired.text, one.id), 'token_is_expired')
    const next = await auth.refresh(valid.text, one.id)
    t.truthy(await auth.verify(next.text, one.id))
    t.truthy(await auth.verify(valid.text), 'nothing was touched')
  })

  test('300 log-ins of one user settle at the limit of 50', async (t) => {
    const { auth, directory } = verbsBy({ sessionsPerUser: 50 })
    const user = await registered(auth)
    const granted: Grant[] = []
    // Who is told that too many hashes wait tries again.
    async function keepLoggingIn(): Promise<void> {
      while (granted.length < 300) {
        const outcome = await auth.login(user).catch((error: AuthError) => error.code)
        if (typeof outcome === 'object') granted.push(outcome)
        else t.is(outcome, 'service_unavailable')
      }
    }
    await Promise.all(Array.from({ length: 20 }, keepLoggingIn))
    const seen = await Promise.allSettled(granted.map(({ text }) => auth.verify(text)))
    t.is(seen.filter(({ status }) => status === 'fulfilled').length, 50)
    for (const one of seen) {
      if (one.status === 'rejected') t.is(one.reason.code, 'token_is_blacklisted')
    }
    t.is((await directory.showUser(user)).sessions, 50)
    const { text } = await auth.login(user)
    t.truthy(await auth.verify(text), 'the new one never ends')
    t.is((await directory.showUser(user)).sessions, 50)
    const ended = (await directory.listSessions(user)).filter(({ state }) => state === 'ended')
    t.is(ended.length, granted.length - 49)
    t.true(ended.every(({ reason }) => reason === 'limit'))
  })
}

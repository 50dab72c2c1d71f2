import type { ExecutionContext } from 'ava'
import { stateOf } from '../../src/blacklist.ts'
import { newId } from '../../src/id.ts'
import { ownSession, type Token } from '../../src/token.ts'
import { DEFAULT_TENANT, type User, userKey } from '../../src/user.ts'
import type { Declare, Opened } from '../support/suites.ts'
import { newTenant, newUsername } from '../support/world.ts'

/** What every store promises of tenants, of users that are looked after, and of their sessions. */
export function directoryContract(test: Declare, opened: () => Opened): void {
  const store = () => opened().store
  const spans = { sessionSeconds: 3600, tokenSeconds: 900 }

  function userOf(username: string, tenant: string) {
    const key = userKey(tenant, username)
    return { id: newId(), key, username, passwordHash: 'hash', tenant }
  }

  async function newUser(tenant = DEFAULT_TENANT, username = newUsername()): Promise<User> {
    const user = userOf(username, tenant)
    await store().users.register(user)
    return (await store().users.find(user.key)) as User
  }

  async function find({ username }: User, tenant = DEFAULT_TENANT): Promise<User | undefined> {
    return store().users.find(userKey(tenant, username))
  }

  async function addTenant(): Promise<{ id: string; name: string }> {
    const tenant = { id: newId(), name: newTenant() }
    await store().tenants.add(tenant)
    return tenant
  }

  function tryToOpen(user: User, most = 0) {
    return store().sessions.open({
      id: newId(),
      user,
      token: newId(),
      kid: 'kid',
      ...spans,
      most,
    })
  }

  async function open(user: User, most = 0): Promise<Token> {
    return (await tryToOpen(user, most))?.token as Token
  }

  async function refresh(token: Token): Promise<Token> {
    const next = { id: newId(), kid: 'kid', tokenSeconds: 900, graceSeconds: 30 }
    return (await store().tokens.refresh(token, next)).successor as Token
  }

  async function state(token: Token): Promise<string> {
    return stateOf(token, await store().tokens.sight(token), store().now())
  }

  function suspend({ id }: { id: string }, operation = newId()) {
    return store().tenants.suspend({ tenant: id, sessionSeconds: 3600, operation })
  }

  function endSome(
    { id }: User,
    session: string,
    which: 'that' | 'others' = 'that',
    operation = newId(),
  ) {
    return store().users.endSome({ user: id, session, which, reason: 'operator', operation })
  }

  async function live(user: User): Promise<Set<string>> {
    const listed = await store().overview.sessions(userKey(DEFAULT_TENANT, user.username), 1_000)
    return new Set(listed.filter((one) => one.state === 'live').map(({ id }) => id))
  }

  async function states(tokens: Token[]): Promise<string> {
    const seen = await Promise.all(tokens.map(state))
    return seen.map((one) => one[0]).join('')
  }

  test('of 20 that add one tenant at once exactly one is true', async (t) => {
    const name = newTenant()
    const racers = Array.from({ length: 20 }, () => ({ id: newId(), name }))
    const added = await Promise.all(racers.map((racer) => store().tenants.add(racer)))
    t.is(added.filter(Boolean).length, 1)
    const { id } = racers[added.indexOf(true)] as { id: string }
    t.deepEqual(await store().tenants.find(name), { id, name, status: 'active', generation: 0 })
    t.is((await store().tenants.list()).filter((one) => one.name === name).length, 1)
    t.true(await store().tenants.add({ id, name }), 'its own repeat is recognised')
  })

  test('without tenants there is one', async (t) => {
    const tenants = await store().tenants.list()
    t.like(
      tenants.find(({ name }) => name === DEFAULT_TENANT),
      { status: 'active' },
    )
    t.is(await store().tenants.find(newTenant()), undefined)
  })

  test('the same username may exist in two tenants, and they share nothing', async (t) => {
    const [one, other] = [await addTenant(), await addTenant()]
    const username = newUsername()
    const users = [await newUser(one.name, username), await newUser(other.name, username)] as const
    t.not(users[0].id, users[1].id)
    t.is(users[0].tenant.id, one.id)
    const tokens = [await open(users[0]), await open(users[1])]
    t.is(tokens[1]?.tenant.id, other.id)
    await store().users.endSessions({ user: users[0].id, reason: 'operator', operation: newId() })
    t.is(await states(tokens), 'bv')
    t.false(await store().users.register(userOf(username, one.name)))
  })

  test('nobody is registered in a tenant that is not there or is suspended', async (t) => {
    t.is(await store().users.register(userOf(newUsername(), newTenant())), undefined)
    const tenant = await addTenant()
    await suspend(tenant)
    const user = userOf(newUsername(), tenant.name)
    t.is(await store().users.register(user), undefined)
    t.is(await store().users.find(user.key), undefined)
    await store().tenants.reinstate(tenant.id)
    t.true(await store().users.register(user))
  })

  test('a suspended tenant ends all its sessions by one entry, and nobody else', async (t) => {
    const tenant = await addTenant()
    const users = [await newUser(tenant.name), await newUser(tenant.name)] as const
    const tokens = await Promise.all([...users, ...users].map((user) => open(user)))
    const unconcerned = await open(await newUser())
    const entry = await suspend(tenant)
    t.like(entry, { scope: 'tenant', id: tenant.id, generation: 0, reason: 'suspended' })
    for (const token of tokens) t.true((entry?.until ?? 0) >= token.expiresAt)
    t.is(await states(tokens), 'bbbb')
    t.is(await state(unconcerned), 'valid')
    t.is((await store().tokens.sight(tokens[0] as Token)).entries.length, 1)
    t.is(await suspend(tenant), undefined, 'it was suspended before')
    t.like(await store().tenants.find(tenant.name), { status: 'suspended', generation: 1 })
  })

  test('of 10 that suspend one tenant at once exactly one has the entry', async (t) => {
    const tenant = await addTenant()
    const entries = await Promise.all(Array.from({ length: 10 }, () => suspend(tenant)))
    t.is(entries.filter(Boolean).length, 1)
    t.like(await store().tenants.find(tenant.name), { status: 'suspended', generation: 1 })
  })

  test('the repeat of a suspension after the tenant was reinstated changes nothing', async (t) => {
    const tenant = await addTenant()
    const operation = newId()
    const entry = await suspend(tenant, operation)
    await store().tenants.reinstate(tenant.id)
    t.deepEqual(await suspend(tenant, operation), entry)
    t.like(await store().tenants.find(tenant.name), { status: 'active', generation: 1 })
  })

  test('in a reinstated tenant users log in anew, and what has ended stays so', async (t) => {
    const tenant = await addTenant()
    const user = await newUser(tenant.name)
    const before = await open(user)
    await suspend(tenant)
    const during = (await find(user, tenant.name)) as User
    t.is(during.tenant.status, 'suspended')
    t.is(await tryToOpen(during), undefined)
    await store().tenants.reinstate(tenant.id)
    t.is(await state(before), 'blacklisted')
    t.is(await tryToOpen(user), undefined, 'by what was read before the suspension')
    const now = (await find(user, tenant.name)) as User
    t.is(now.tenant.generation, 1)
    const after = await open(now)
    t.is(await state(after), 'valid')
    t.is(await state(await refresh(after)), 'valid')
    t.falsy(await refresh(before))
    t.is(await state(before), 'blacklisted')
    await suspend(tenant)
    t.is(await states([before, after]), 'bb')
  })

  test('sessions opened while their tenant is suspended do not survive it', async (t) => {
    const tenant = await addTenant()
    const users = await Promise.all(Array.from({ length: 10 }, () => newUser(tenant.name)))
    const openings = users.map((user) => tryToOpen(user))
    const [entry, ...results] = await Promise.all([suspend(tenant), ...openings])
    t.truthy(entry)
    const late = await Promise.all(users.map((user) => tryToOpen(user)))
    t.deepEqual(
      late.filter((one) => one),
      [],
    )
    await store().tenants.reinstate(tenant.id)
    for (const one of results) if (one) t.is(await state(one.token), 'blacklisted')
  })

  test('a suspended user has no session and opens none, until reinstated', async (t) => {
    const user = await newUser()
    const tokens = [await open(user), await open(user)]
    const other = await open(await newUser())
    const operation = newId()
    const entry = await store().users.suspend({ user: user.id, operation })
    t.like(entry, { scope: 'user', id: user.id, generation: 0, reason: 'suspended' })
    t.is(await states([...tokens, other]), 'bbv')
    const suspended = (await find(user)) as User
    t.like(suspended, { status: 'suspended', generation: 1 })
    t.is(await tryToOpen(suspended), undefined)
    t.is(await store().users.suspend({ user: user.id, operation: newId() }), undefined)
    t.true(await store().users.reinstate(user.id))
    t.deepEqual(await store().users.suspend({ user: user.id, operation }), entry)
    const now = (await find(user)) as User
    t.like(now, { status: 'active', generation: 1 })
    const after = await open(now)
    t.is(await states([...tokens, after]), 'bbv')
    t.is(await tryToOpen(user), undefined, 'by what was read before the suspension')
  })

  test('a changed password lets no suspended user in', async (t) => {
    const user = await newUser()
    await store().users.suspend({ user: user.id, operation: newId() })
    const change = { user: user.id, passwordHash: 'new', expectedHash: null, operation: newId() }
    t.truthy(await store().users.changePassword(change))
    const changed = (await find(user)) as User
    t.like(changed, { status: 'suspended', passwordHash: 'new', generation: 2 })
    t.is(await tryToOpen(changed), undefined)
  })

  test('a removed user is gone, the name is free, and old tokens stay dead', async (t) => {
    const user = await newUser()
    const tokens = [await open(user), await open(user)]
    const successor = await refresh(tokens[0] as Token)
    const operation = newId()
    const entry = await store().users.remove({ user: user.id, operation })
    t.like(entry, { scope: 'user', id: user.id, generation: 0, reason: 'deleted' })
    t.deepEqual(await store().users.remove({ user: user.id, operation }), entry, 'its own repeat')
    t.is(await store().users.remove({ user: user.id, operation: newId() }), undefined)
    t.is(await find(user), undefined)
    t.is(await states([...tokens, successor]), 'bbb')
    t.falsy(await refresh(successor))
    t.is(await tryToOpen(user), undefined)
    const again = await newUser(DEFAULT_TENANT, user.username)
    t.not(again.id, user.id)
    t.is(await states([...tokens, successor, await open(again)]), 'bbbv')
    t.is(await store().users.remove({ user: newId(), operation: newId() }), undefined)
    t.false(await store().users.reinstate(user.id))
  })

  test('of 10 that remove one user at once exactly one has the entry', async (t) => {
    const user = await newUser()
    const token = await open(user)
    const removals = Array.from({ length: 10 }, () =>
      store().users.remove({ user: user.id, operation: newId() }),
    )
    t.is((await Promise.all(removals)).filter(Boolean).length, 1)
    t.is(await state(token), 'blacklisted')
  })

  test('whatever happens to a user at the same moment, no session survives a removal', async (t) => {
    for (let round = 0; round < 5; round += 1) {
      const user = await newUser()
      const first = await open(user)
      const work = [
        ...Array.from({ length: 8 }, () => tryToOpen(user, 3)),
        store().users.suspend({ user: user.id, operation: newId() }),
        refresh(first),
        endSome(user, ownSession(first), 'others'),
        store().users.rehash(user.id, 'hash', 'better'),
        store().users.remove({ user: user.id, operation: newId() }),
        store().users.register(userOf(user.username, DEFAULT_TENANT)),
        store().users.changePassword({
          user: user.id,
          passwordHash: 'new',
          expectedHash: null,
          operation: newId(),
        }),
      ]
      const results = await Promise.all(work)
      t.truthy(results[12], 'the removal')
      for (const opening of results.slice(0, 8) as ({ token: Token } | undefined)[]) {
        if (opening) t.is(await state(opening.token), 'blacklisted')
      }
      t.is(await state(first), 'blacklisted')
      const successor = results[9] as Token | undefined
      if (successor) t.is(await state(successor), 'blacklisted')
      t.not((await find(user))?.id, user.id)
    }
  })

  test('one session of a user ends, and no other', async (t) => {
    const user = await newUser()
    const tokens = [await open(user), await open(user), await open(user)] as const
    const successor = await refresh(tokens[1])
    const operation = newId()
    const ended = await endSome(user, ownSession(tokens[1]), 'that', operation)
    t.is(ended?.length, 1)
    t.like(ended?.[0], { scope: 'session', id: ownSession(tokens[1]), reason: 'operator' })
    t.is(ended?.[0]?.until, successor.expiresAt)
    t.is(await states([...tokens, successor]), 'vbvb')
    t.deepEqual(await endSome(user, ownSession(tokens[1]), 'that', operation), ended, 'a repeat')
    t.deepEqual(await endSome(user, ownSession(tokens[1])), [], 'it is over')
  })

  test('all sessions but one end, in one write', async (t) => {
    const user = await newUser()
    const tokens = await Promise.all(Array.from({ length: 5 }, () => open(user)))
    await endSome(user, ownSession(tokens[0] as Token))
    const operation = newId()
    const kept = ownSession(tokens[2] as Token)
    const ended = await endSome(user, kept, 'others', operation)
    t.is(ended?.length, 3)
    t.is(await states(tokens), 'bbvbb')
    const places = ended?.map(({ seq }) => seq) ?? []
    t.deepEqual(
      places,
      places.map((_, i) => (places[0] as number) + i),
    )
    const repeated = await endSome(user, kept, 'others', operation)
    t.deepEqual(repeated?.map(({ seq }) => seq).toSorted(byNumber), places, 'a repeat')
    t.deepEqual([...(await live(user))], [kept])
    t.deepEqual(await endSome(user, kept, 'others'), [], 'nothing is left to end')
  })

  test("a session that is not the user's is told so, and nothing is ended", async (t) => {
    const user = await newUser()
    const token = await open(user)
    const stranger = await open(await newUser())
    for (const session of [ownSession(stranger), newId(), '']) {
      t.is(await endSome(user, session), undefined)
      t.is(await endSome(user, session, 'others'), undefined)
    }
    t.is(await endSome(await newUser(), ownSession(token), 'others'), undefined)
    t.is(await states([token, stranger]), 'vv')
  })

  test('past the limit the oldest session ends, with the entry of it', async (t) => {
    const user = await newUser()
    const tokens: Token[] = []
    for (let i = 0; i < 3; i += 1) tokens.push(await open(user, 3))
    t.is(await states(tokens), 'vvv')
    const fourth = await tryToOpen(user, 3)
    t.is(fourth?.ended.length, 1)
    t.like(fourth?.ended[0], { id: ownSession(tokens[0] as Token), reason: 'limit' })
    t.is(await states([...tokens, fourth?.token as Token]), 'bvvv')
    t.is((await store().overview.user(userKey(DEFAULT_TENANT, user.username)))?.sessions, 3)
  })

  test('only what is live counts for the limit', async (t) => {
    const user = await newUser()
    const tokens: Token[] = []
    for (let i = 0; i < 3; i += 1) tokens.push(await open(user, 3))
    const [first, second, third] = tokens as [Token, Token, Token]
    const refreshed = await refresh(first)
    await store().sessions.end(second, { operation: newId(), scope: 'session', reason: 'logout' })
    await store().sessions.end(third, { operation: newId(), scope: 'token', reason: 'logout' })
    const more = [await tryToOpen(user, 3), await tryToOpen(user, 3)]
    t.deepEqual(
      more.flatMap((one) => one?.ended),
      [],
    )
    t.is(await states([refreshed, ...more.map((one) => one?.token as Token)]), 'vvv')
    const last = await tryToOpen(user, 3)
    t.like(last?.ended, { length: 1, 0: { id: ownSession(first) } })
    await store().users.changePassword({
      user: user.id,
      passwordHash: 'new',
      expectedHash: null,
      operation: newId(),
    })
    const changed = (await find(user)) as User
    const fresh = await Promise.all(Array.from({ length: 3 }, () => tryToOpen(changed, 3)))
    t.deepEqual(
      fresh.flatMap((one) => one?.ended),
      [],
      'those of before the password changed are over',
    )
  })

  test('a lowered limit holds from the next log-in on', async (t) => {
    const user = await newUser()
    const tokens: Token[] = []
    for (let i = 0; i < 6; i += 1) tokens.push(await open(user, 10))
    const next = await tryToOpen(user, 1)
    t.is(next?.ended.length, 6)
    t.is(await states([...tokens, next?.token as Token]), 'bbbbbbv')
  })

  test('without a limit nothing ends', async (t) => {
    const user = await newUser()
    const tokens = await Promise.all(Array.from({ length: 60 }, () => open(user)))
    t.is(await states(tokens), 'v'.repeat(60))
  })

  test('300 log-ins of one user at once settle at the limit', async (t) => {
    const user = await newUser()
    const openings = await Promise.all(Array.from({ length: 300 }, () => tryToOpen(user, 50)))
    const tokens = openings.map((opening) => opening?.token as Token)
    const seen = await Promise.all(tokens.map(state))
    t.is(seen.filter((one) => one === 'valid').length, 50)
    t.is(seen.filter((one) => one === 'blacklisted').length, 250)
    const ended = openings.flatMap((opening) => opening?.ended ?? [])
    t.is(new Set(ended.map(({ id }) => id)).size, 250)
    t.is(ended.length, 250, 'each has ended once')
    t.is((await live(user)).size, 50)
  })

  test('the sessions of a user are told by state and reason', async (t) => {
    const tenant = await addTenant()
    const user = await newUser(tenant.name)
    const key = userKey(tenant.name, user.username)
    const [one, other] = [await open(user), await open(user)] as const
    await endSome(user, ownSession(one))
    const listed = await store().overview.sessions(key, 10)
    const told = (token: Token) => listed.find(({ id }) => id === ownSession(token))
    t.like(told(one), { state: 'ended', reason: 'operator' })
    t.like(told(other), { state: 'live', reason: null })
    t.is((await store().overview.user(key))?.sessions, 1)
    await suspend(tenant)
    await checkEnded(t, key, ownSession(other), 'suspended')
    await store().tenants.reinstate(tenant.id)
    await checkEnded(t, key, ownSession(other), 'suspended')
  })

  async function checkEnded(t: ExecutionContext, key: string, session: string, reason: string) {
    const listed = await store().overview.sessions(key, 10)
    t.like(
      listed.find(({ id }) => id === session),
      { state: 'ended', reason },
    )
    t.is((await store().overview.user(key))?.sessions, 0)
  }
}

function byNumber(a: number, b: number): number {
  return a - b
}

import { stateOf } from '../../src/blacklist.ts'
import { newId } from '../../src/id.ts'
import type { Invalidation } from '../../src/store.ts'
import type { Token } from '../../src/token.ts'
import { DEFAULT_TENANT, type User, userKey } from '../../src/user.ts'
import type { Declare, Opened } from '../support/suites.ts'
import { newTenant, newUsername } from '../support/world.ts'

/** What the suites below work with, over the store that is opened. */
function createWorld(opened: () => Opened) {
  const store = () => opened().store

  async function newUser(tenant = DEFAULT_TENANT): Promise<User> {
    const username = newUsername()
    const key = userKey(tenant, username)
    await store().users.register({ id: newId(), key, username, passwordHash: 'hash', tenant })
    return (await store().users.find(key)) as User
  }

  async function open(user: User): Promise<Token> {
    const session = { id: newId(), user, token: newId(), kid: 'kid' }
    const spans = { sessionSeconds: 3600, tokenSeconds: 900 }
    return (await store().sessions.open({ ...session, ...spans }))?.token as Token
  }

  async function refresh(token: Token) {
    const next = { id: newId(), kid: 'kid', tokenSeconds: 900, graceSeconds: 30 }
    return (await store().tokens.refresh(token, next)).successor
  }

  function end(token: Token) {
    const how = { operation: newId(), scope: 'session', reason: 'logout' } as const
    return store().sessions.end(token, how)
  }

  async function state(token: Token): Promise<string> {
    return stateOf(token, await store().tokens.sight(token), store().now())
  }

  function invalidate(whom: Partial<Invalidation>, before: number, operation = newId()) {
    const invalidation = { scope: 'user', reason: 'invalidated', tokenSeconds: 900 } as const
    return store().sessions.invalidate({ ...invalidation, before, operation, ...whom })
  }

  return { store, newUser, open, refresh, end, state, invalidate }
}

/** What every store promises of sessions that end by the time of their log-in: a user's, a tenant's. */
export function invalidateContract(test: Declare, opened: () => Opened): void {
  const { store, newUser, open, refresh, end, state, invalidate } = createWorld(opened)

  test('a successor keeps the time of the log-in', async (t) => {
    const token = await open(await newUser())
    t.is(token.authTime, token.issuedAt)
    t.is((await refresh(token))?.authTime, token.authTime)
  })

  test("a user's sessions of before end, refreshed since or not, and no others", async (t) => {
    const [user, other] = [await newUser(), await newUser()]
    const [token, fresh, unconcerned] = [await open(user), await open(user), await open(other)]
    const successor = (await refresh(token)) as Token
    // The same tokens, had they been logged in for a minute before.
    const [old, oldSuccessor] = [token, successor].map((one) => ({
      ...one,
      authTime: one.authTime - 60_000,
    })) as [Token, Token]
    const before = fresh.authTime
    const entry = await invalidate({ id: user.id }, before)
    t.like(entry, { scope: 'user', id: user.id, before, generation: null, kind: 'ended' })
    t.is(await state(old), 'blacklisted')
    t.is(await state(oldSuccessor), 'blacklisted')
    t.is(await state(fresh), 'valid', 'opened at that instant')
    t.is(await state(unconcerned), 'valid')
    t.is(await state(await open(user)), 'valid')
  })

  test('refresh and log-out see what has ended so within their own statement', async (t) => {
    const user = await newUser()
    const [token, fresh] = [await open(user), await open(user)]
    const old = { ...token, authTime: token.authTime - 60_000 }
    await invalidate({ id: user.id }, fresh.authTime)
    t.is(await refresh(old), undefined)
    t.is(await end(old), undefined)
    t.truthy(await refresh(fresh))
    t.truthy(await end(fresh))
  })

  test("a tenant's sessions of before end, and no other tenant's", async (t) => {
    const tenant = { id: newId(), name: newTenant() }
    await store().tenants.add(tenant)
    const [user, other] = [await newUser(tenant.name), await newUser()]
    const [token, unconcerned] = [await open(user), await open(other)]
    const old = { ...token, authTime: token.authTime - 1000 }
    await invalidate({ scope: 'tenant', id: tenant.id }, token.authTime)
    t.is(await state(old), 'blacklisted')
    t.is(await state(token), 'valid')
    t.is(await state({ ...unconcerned, authTime: unconcerned.authTime - 1000 }), 'valid')
  })

  test('a repeat is recognised by its operation, and its instant stays', async (t) => {
    const user = await newUser()
    const token = await open(user)
    const operation = newId()
    const first = await invalidate({ id: user.id }, token.authTime, operation)
    t.deepEqual(await invalidate({ id: user.id }, token.authTime, operation), first)
    t.is((await store().tokens.sight(token)).entries.length, 1)
    t.not((await invalidate({ id: user.id }, token.authTime)).seq, first.seq)
  })

  test('an instant that is not over is refused, and writes nothing', async (t) => {
    const user = await newUser()
    const token = await open(user)
    const error = await t.throwsAsync(invalidate({ id: user.id }, token.authTime + 600_000))
    t.is((error as Error & { code: string }).code, 'request_is_invalid')
    t.is(await state(token), 'valid')
    t.deepEqual((await store().tokens.sight(token)).entries, [])
  })

  test('log-ins at the same moment end or live by their time, and later ones live', async (t) => {
    const user = await newUser()
    const before = Math.floor((await open(user)).authTime / 1000) * 1000 + 1000
    while (store().now() < before) await new Promise((resolve) => setTimeout(resolve, 20))
    const openings = Array.from({ length: 10 }, () => open(user))
    const racing = invalidate({ id: user.id }, before)
    const tokens = await Promise.all(openings)
    await racing
    for (const token of tokens) {
      t.is(await state(token), token.authTime < before ? 'blacklisted' : 'valid')
    }
    t.is(await state(await open(user)), 'valid')
  })

  test('the entry is needed until the last token is over, then prune removes it', async (t) => {
    const user = await newUser()
    const token = await open(user)
    const { seq, until } = await invalidate({ id: user.id }, token.authTime)
    t.true(until >= token.expiresAt)
    const { pruning } = store()
    const most = Number.MAX_SAFE_INTEGER
    t.false((await pruning.ended('entry', until, most)).includes(seq))
    t.true((await pruning.ended('entry', until + 1, most)).includes(seq))
    t.is(await pruning.remove('entry', [seq], until), 0)
    t.is(await pruning.remove('entry', [seq], until + 1), 1)
  })

  test('a list of sessions says what has ended so, and why', async (t) => {
    const user = await newUser()
    const { authTime } = await open(user)
    while (store().now() < authTime + 1000) await new Promise((done) => setTimeout(done, 50))
    const fresh = await open(user)
    await invalidate({ id: user.id }, authTime + 1000)
    const key = userKey(DEFAULT_TENANT, user.username)
    const listed = await store().overview.sessions(key, 10)
    t.deepEqual(
      listed.map(({ id, state: is, reason }) => [id === fresh.sessions[0], is, reason]),
      [
        [true, 'live', null],
        [false, 'ended', 'invalidated'],
      ],
    )
    t.is((await store().overview.user(key))?.sessions, 1)
  })
}

/** The same of everyone's, on a graph that no other test uses. */
export function everyoneContract(test: Declare, opened: () => Opened): void {
  const { store, newUser, open, refresh, end, state, invalidate } = createWorld(opened)

  test("everyone's sessions of before end, whoever's they are", async (t) => {
    const tenant = { id: newId(), name: newTenant() }
    await store().tenants.add(tenant)
    const tokens = [await open(await newUser()), await open(await newUser(tenant.name))]
    const before = Math.min(...tokens.map(({ authTime }) => authTime))
    const entry = await invalidate({ scope: 'all', reason: 'restored' }, before)
    t.like(entry, { scope: 'all', before, reason: 'restored' })
    for (const token of tokens) {
      t.is(await state(token), 'valid')
      const old = { ...token, authTime: before - 1000 }
      t.is(await state(old), 'blacklisted')
      t.is(await refresh(old), undefined)
      t.is(await end(old), undefined)
    }
  })

  test('the feed gets another epoch where one is given, once, in the same write', async (t) => {
    const { authTime } = await open(await newUser())
    const [epoch, operation] = [newId(), newId()]
    const start = await store().feed.fence()
    await invalidate({ scope: 'all' }, authTime)
    t.is((await store().feed.fence()).epoch, start.epoch)
    const entry = await invalidate({ scope: 'all', epoch }, authTime, operation)
    const page = await store().feed.read(entry.seq - 1, 1)
    t.like(page, { epoch, entries: [entry] })
    await invalidate({ scope: 'all', epoch: newId() }, authTime, operation)
    t.is((await store().feed.fence()).epoch, epoch)
  })
}

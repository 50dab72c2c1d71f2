import { type BlacklistEntry, stateOf } from '../../src/blacklist.ts'
import { newId } from '../../src/id.ts'
import type { EndSession } from '../../src/store.ts'
import { ownSession, type Token } from '../../src/token.ts'
import { DEFAULT_TENANT, type User, userKey } from '../../src/user.ts'
import type { Declare, Opened } from '../support/suites.ts'
import { newUsername } from '../support/world.ts'

/** What every store promises, whatever remembers it. `opened` is given once the graph is prepared. */
export function storeContract(test: Declare, opened: () => Opened): void {
  const store = () => opened().store

  async function newUser(): Promise<User> {
    const username = newUsername()
    const user = userOf(username)
    await store().users.register(user)
    return (await store().users.find(user.key)) as User
  }

  function userOf(username: string) {
    const key = userKey(DEFAULT_TENANT, username)
    return { id: newId(), key, username, passwordHash: 'hash', tenant: DEFAULT_TENANT }
  }

  const spans = { sessionSeconds: 3600, tokenSeconds: 900 }

  async function open(user: User, seconds = spans): Promise<Token> {
    const session = { id: newId(), user, token: newId(), kid: 'kid', ...seconds }
    return (await store().sessions.open(session))?.token as Token
  }

  function refresh(token: Token, id = newId(), graceSeconds = 30) {
    return store().tokens.refresh(token, { id, kid: 'next kid', tokenSeconds: 900, graceSeconds })
  }

  function ending(scope: EndSession['scope'] = 'session', operation = newId()): EndSession {
    return { operation, scope, reason: 'logout' }
  }

  async function state(token: Token): Promise<string> {
    return stateOf(token, await store().tokens.sight(token), store().now())
  }

  test('a registered user is found by key, as it was registered', async (t) => {
    const user = userOf('Mixed.Case@example.org'.replace('Mixed', newUsername()))
    t.true(await store().users.register(user))
    const found = await store().users.find(user.key)
    t.like(found, { id: user.id, username: user.username, passwordHash: 'hash' })
    t.is(found?.status, 'active')
    t.is(found?.generation, 0)
    t.is(await store().users.find(`${user.key}x`), undefined)
  })

  test('a key is registered once; its own repeat is recognised', async (t) => {
    const user = userOf(newUsername())
    t.true(await store().users.register(user))
    t.true(await store().users.register(user))
    t.false(await store().users.register({ ...user, id: newId(), passwordHash: 'other' }))
    t.is((await store().users.find(user.key))?.passwordHash, 'hash')
  })

  test('of 20 registrations of one key at once exactly one is true', async (t) => {
    const username = newUsername()
    const racers = Array.from({ length: 20 }, () => userOf(username))
    const results = await Promise.all(racers.map((user) => store().users.register(user)))
    t.is(results.filter(Boolean).length, 1)
    const winner = racers[results.indexOf(true)]
    t.is((await store().users.find(userOf(username).key))?.id, winner?.id)
  })

  test('a changed password ends every session of the user and of nobody else', async (t) => {
    const [user, other] = [await newUser(), await newUser()]
    const tokens = [await open(user), await open(user)]
    const unconcerned = await open(other)
    const change = { user: user.id, passwordHash: 'new', expectedHash: null, operation: newId() }
    t.truthy(await store().users.changePassword(change))
    for (const token of tokens) t.is(await state(token), 'blacklisted')
    t.is(await state(unconcerned), 'valid')
    const changed = await store().users.find(userKey(DEFAULT_TENANT, user.username))
    t.like(changed, { passwordHash: 'new', generation: 1 })
    t.is(await state(await open(changed as User)), 'valid')
  })

  test('a change of the password is made once, and only over the expected hash', async (t) => {
    const user = await newUser()
    const change = { user: user.id, passwordHash: 'new', expectedHash: 'hash', operation: newId() }
    t.falsy(await store().users.changePassword({ ...change, expectedHash: 'another' }))
    t.truthy(await store().users.changePassword(change))
    t.truthy(await store().users.changePassword(change))
    t.falsy(await store().users.changePassword({ ...change, operation: newId() }))
    const found = await store().users.find(userKey(DEFAULT_TENANT, user.username))
    t.like(found, { passwordHash: 'new', generation: 1 })
  })

  test('a rehash replaces the hash that was checked and no other', async (t) => {
    const user = await newUser()
    await store().users.rehash(user.id, 'another', 'wrong')
    t.is((await store().users.find(userKey(DEFAULT_TENANT, user.username)))?.passwordHash, 'hash')
    await store().users.rehash(user.id, 'hash', 'better')
    t.is((await store().users.find(userKey(DEFAULT_TENANT, user.username)))?.passwordHash, 'better')
  })

  test('an opened session gives a token of whole seconds by the graph clock', async (t) => {
    const user = await newUser()
    const token = await open(user)
    t.is(token.issuedAt % 1000, 0)
    t.is(token.expiresAt - token.issuedAt, 900_000)
    t.true(Math.abs(Date.now() - token.issuedAt) < 10_000)
    t.deepEqual(token.user, { id: user.id, username: user.username, generation: 0 })
    t.is(await state(token), 'valid')
  })

  test('no token outlives its session', async (t) => {
    const token = await open(await newUser(), { sessionSeconds: 5, tokenSeconds: 900 })
    t.is(token.expiresAt - token.issuedAt, 5000)
    const { successor } = await refresh(token)
    t.is(successor?.expiresAt, token.expiresAt)
  })

  test('the repeat of an opening gives the same token', async (t) => {
    const user = await newUser()
    const session = { id: newId(), user, token: newId(), kid: 'kid', ...spans }
    const first = await store().sessions.open(session)
    t.deepEqual(await store().sessions.open(session), first)
  })

  test('no session is opened for a generation that is over', async (t) => {
    const user = await newUser()
    await store().users.changePassword({
      user: user.id,
      passwordHash: 'new',
      expectedHash: null,
      operation: newId(),
    })
    t.is(
      await store().sessions.open({ id: newId(), user, token: newId(), kid: 'kid', ...spans }),
      undefined,
    )
  })

  test('sessions opened while the password changes do not survive it', async (t) => {
    const user = await newUser()
    const openings = Array.from({ length: 10 }, () =>
      store().sessions.open({ id: newId(), user, token: newId(), kid: 'kid', ...spans }),
    )
    const changed = store().users.changePassword({
      user: user.id,
      passwordHash: 'new',
      expectedHash: null,
      operation: newId(),
    })
    const tokens = (await Promise.all(openings)).flatMap((opened) => opened?.token ?? [])
    t.truthy(await changed)
    for (const token of tokens) t.is(await state(token), 'blacklisted')
  })

  test('a token is known only with its own session and user', async (t) => {
    const token = await open(await newUser())
    const other = await open(await newUser())
    const forged = [
      { ...token, id: newId() },
      { ...token, sessions: other.sessions },
      { ...token, user: other.user },
      { ...token, id: other.id },
      { ...token, sessions: [newId(), ownSession(token)] as [string, string] },
    ]
    t.true((await store().tokens.sight(token)).known)
    for (const one of forged) t.false((await store().tokens.sight(one)).known)
  })

  test('a session ends once, with all of its tokens, and leaves the others alone', async (t) => {
    const user = await newUser()
    const [token, sibling] = [await open(user), await open(user)]
    const { successor } = await refresh(token)
    const how = ending()
    t.truthy(await store().sessions.end(token, how))
    t.truthy(await store().sessions.end(token, how), 'its own repeat is recognised')
    t.falsy(await store().sessions.end(token, ending()))
    t.is(await state(token), 'blacklisted')
    t.is(await state(successor as Token), 'blacklisted')
    t.is(await state(sibling), 'valid')
  })

  test('of 20 that end one session at once exactly one is true', async (t) => {
    const token = await open(await newUser())
    const ends = Array.from({ length: 20 }, () => store().sessions.end(token, ending()))
    t.is((await Promise.all(ends)).filter(Boolean).length, 1)
    t.is((await store().tokens.sight(token)).entries.length, 1)
  })

  test('a token ended alone leaves its successor alive', async (t) => {
    const token = await open(await newUser())
    const { successor } = await refresh(token)
    t.truthy(await store().sessions.end(token, ending('token')))
    t.is(await state(token), 'blacklisted')
    t.is(await state(successor as Token), 'valid')
  })

  test('an entry says what it is about, why, and until when', async (t) => {
    const token = await open(await newUser())
    await store().sessions.end(token, { operation: newId(), scope: 'token', reason: 'reuse' })
    const { entries } = await store().tokens.sight(token)
    const about = { scope: 'token', id: token.id, kind: 'ended', reason: 'reuse' } as const
    t.like(entries[0], { ...about, generation: null, until: token.expiresAt })
  })

  test('50 refreshes of one token at once make one successor', async (t) => {
    const token = await open(await newUser())
    const refreshed = await Promise.all(Array.from({ length: 50 }, () => refresh(token)))
    t.is(new Set(refreshed.map(({ successor }) => successor?.id)).size, 1)
    t.is(refreshed.filter(({ entry }) => entry).length, 1)
    const { successor } = refreshed[0] ?? {}
    t.is(successor?.kid, 'next kid')
    t.deepEqual(successor?.sessions, token.sessions)
    t.is(await state(successor as Token), 'valid')
    t.is(await state(token), 'valid', 'within the grace')
  })

  test('the repeat of a refresh is recognised as its own', async (t) => {
    const token = await open(await newUser())
    const id = newId()
    const first = await refresh(token, id)
    const second = await refresh(token, id)
    t.deepEqual(second.entry, first.entry)
    t.truthy(first.entry)
    t.deepEqual(second.successor, first.successor)
  })

  test('a refreshed token counts as blacklisted from the end of its grace', async (t) => {
    const token = await open(await newUser())
    await refresh(token, newId(), 0)
    t.is(await state(token), 'blacklisted')
  })

  test('what has ended, and what is not known, has no successor', async (t) => {
    const token = await open(await newUser())
    await store().sessions.end(token, ending())
    const ended = await refresh(token)
    t.is(ended.successor, undefined)
    t.true(ended.sight.known)
    const unknown = await refresh({ ...token, id: newId() })
    t.deepEqual(unknown, {
      sight: { known: false, entries: [] },
      successor: undefined,
      entry: undefined,
    })
  })

  test('100 pairs of a refresh and an end at the same moment leave nothing alive', async (t) => {
    const user = await newUser()
    const tokens = await Promise.all(Array.from({ length: 100 }, () => open(user)))
    const pairs = await Promise.all(
      tokens.map((token) => Promise.all([refresh(token), store().sessions.end(token, ending())])),
    )
    for (const [i, [{ successor }, ended]] of pairs.entries()) {
      t.truthy(ended)
      t.is(await state(tokens[i] as Token), 'blacklisted')
      if (successor) t.is(await state(successor), 'blacklisted')
    }
  })

  test('the places of entries in the feed have no hole and no double', async (t) => {
    const user = await newUser()
    // Another test may prune what was written in between, so the window is tried again.
    for (let tries = 0; ; tries += 1) {
      const made = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const token = await open(user)
          const [{ entry }, ended] = await Promise.all([
            refresh(token),
            store().sessions.end(token, ending()),
          ])
          return [entry, ended]
        }),
      )
      const places = made.flat().flatMap((entry) => entry?.seq ?? [])
      t.is(new Set(places).size, places.length)
      const [least, most] = [Math.min(...places), Math.max(...places)]
      const { entries } = await store().feed.read(least - 1, most - least + 1)
      const seen = entries.map(({ seq }) => seq)
      const all = Array.from({ length: most - least + 1 }, (_, i) => least + i)
      if (tries === 5) t.deepEqual(seen, all)
      if (seen.join() === all.join()) return
    }
  })

  test('the feed gives what came after a place, in order and by the page', async (t) => {
    const start = await store().feed.fence()
    const token = await open(await newUser())
    const next = (await refresh(token)).entry as BlacklistEntry
    const ended = (await store().sessions.end(token, ending())) as BlacklistEntry
    t.true(start.seq < next.seq && next.seq < ended.seq)
    const { entries, epoch } = await store().feed.read(next.seq - 1, 1)
    t.deepEqual(entries, [next])
    t.is(epoch, start.epoch)
    const rest = await store().feed.read(next.seq, 1_000)
    t.deepEqual(
      rest.entries.find(({ seq }) => seq === ended.seq),
      ended,
    )
    t.true((await store().feed.fence()).seq >= ended.seq)
  })

  test('the clock is the graph clock and never goes backwards', async (t) => {
    await store().check()
    let last = 0
    for (let i = 0; i < 100; i += 1) {
      const now = store().now()
      t.true(now >= last)
      last = now
    }
    t.true(Math.abs(last - Date.now()) < 5_000)
  })

  test('neither a token text nor a clear password ever enters the graph', async (t) => {
    await refresh(await open(await newUser()))
    const labels = 'Tenant User Session Token Caller ApiKey BlacklistEntry Feed Schema Lease'.split(
      ' ',
    )
    const kinds = await opened().engine.read(
      'MATCH (node) UNWIND labels(node) AS label RETURN DISTINCT label',
    )
    for (const { label } of kinds) t.true(labels.includes(label as string), String(label))
    const names = await opened().engine.read(
      'MATCH (token:Token) UNWIND keys(token) AS name RETURN DISTINCT name',
    )
    t.deepEqual(names.map(({ name }) => name).toSorted(), ['expiresAt', 'id', 'issuedAt', 'kid'])
  })
}

import type { ExecutionContext } from 'ava'
import { stateOf } from '../../src/blacklist.ts'
import { newId } from '../../src/id.ts'
import type { Pruned, PruneOptions } from '../../src/operator.ts'
import { MARGIN_MS, prune } from '../../src/service/prune.ts'
import { ownSession, type Token } from '../../src/token.ts'
import { DEFAULT_TENANT, type User, userKey } from '../../src/user.ts'
import type { Declare, Opened } from '../support/suites.ts'
import { createTestService, newUsername } from '../support/world.ts'

const LONG_AGO = 2 * MARGIN_MS

/** What prune promises. Other tests may prune the same graph meanwhile, so each looks at its own. */
export function pruneContract(test: Declare, opened: () => Opened): void {
  const store = () => opened().store

  async function newUser(): Promise<User> {
    const username = newUsername()
    const key = userKey(DEFAULT_TENANT, username)
    const user = { id: newId(), key, username, passwordHash: 'hash', tenant: DEFAULT_TENANT }
    await store().users.register(user)
    return (await store().users.find(key)) as User
  }

  async function open(user: User): Promise<Token> {
    const spans = { sessionSeconds: 3600, tokenSeconds: 900 }
    const session = { id: newId(), user, token: newId(), kid: 'kid', ...spans }
    return (await store().sessions.open(session))?.token as Token
  }

  async function refresh(token: Token): Promise<Token> {
    const next = { id: newId(), kid: 'kid', tokenSeconds: 900, graceSeconds: 30 }
    return (await store().tokens.refresh(token, next)).successor as Token
  }

  function end(token: Token) {
    const how = { operation: newId(), scope: 'session', reason: 'logout' } as const
    return store().sessions.end(token, how)
  }

  /** Moves a token and the entries of its path into the past, as if time had gone by. */
  async function age(token: Token, ms = 900_000 + LONG_AGO): Promise<void> {
    await opened().engine.write(
      `MATCH (token:Token {id: $id}) SET token.expiresAt = token.expiresAt - $ms
       WITH token
       MATCH (entry:BlacklistEntry) WHERE entry.id IN $path SET entry.until = entry.until - $ms`,
      { id: token.id, path: [token.id, ownSession(token)], ms },
    )
  }

  async function run(options: PruneOptions = {}): Promise<Pruned> {
    const { tools } = createTestService(opened().engine)
    for (;;) {
      const pruned = await prune(tools, options)
      if (pruned) return pruned
    }
  }

  async function isThere(label: string, id: string): Promise<boolean> {
    const [row] = await opened().engine.read(
      `MATCH (node) WHERE node.id = $id AND $label IN labels(node) RETURN count(node) AS count`,
      { id, label },
    )
    return row?.count !== 0
  }

  async function isGone(t: ExecutionContext, token: Token): Promise<void> {
    t.false(await isThere('Token', token.id))
    t.false(await isThere('Session', ownSession(token)))
    t.false(await isThere('BlacklistEntry', token.id))
    t.false(await isThere('BlacklistEntry', ownSession(token)))
  }

  test('what has expired goes: the token, its session and the entries about them', async (t) => {
    const user = await newUser()
    const [left, ended] = [await open(user), await open(user)]
    await end(ended)
    for (const token of [left, ended]) await age(token)
    await run()
    for (const token of [left, ended]) await isGone(t, token)
  })

  test('what lives stays, and so does what is over only just', async (t) => {
    const user = await newUser()
    const [live, ended, late] = [await open(user), await open(user), await open(user)]
    await end(ended)
    await age(late, 900_000 + MARGIN_MS / 2)
    await run()
    t.true((await store().tokens.sight(live)).known)
    t.is(stateOf(ended, await store().tokens.sight(ended), store().now()), 'blacklisted')
    t.true(await isThere('Token', late.id))
  })

  test('of a refreshed session only the expired tokens go', async (t) => {
    const first = await open(await newUser())
    const second = await refresh(first)
    await age(first)
    await run()
    t.false(await isThere('Token', first.id))
    t.false(await isThere('BlacklistEntry', first.id))
    t.is(stateOf(second, await store().tokens.sight(second), store().now()), 'valid')
    t.truthy(await refresh(second), 'and it goes on')
  })

  test('what a removed user has left goes like everything else', async (t) => {
    const user = await newUser()
    const tokens = [await open(user), await open(user), await open(user)] as const
    const successor = await refresh(tokens[0])
    await end(tokens[1])
    await store().users.remove({ user: user.id, operation: newId() })
    await run()
    for (const token of [...tokens, successor]) {
      t.is(stateOf(token, await store().tokens.sight(token), store().now()), 'blacklisted')
    }
    for (const token of [...tokens, successor]) await age(token)
    await opened().engine.write(
      'MATCH (entry:BlacklistEntry {id: $id}) SET entry.until = entry.until - $ms',
      { id: user.id, ms: 3_600_000 + LONG_AGO },
    )
    await run()
    for (const token of [...tokens, successor]) await isGone(t, token)
    t.false(await isThere('User', user.id))
    t.false(await isThere('BlacklistEntry', user.id))
  })

  test('pruning changes no answer', async (t) => {
    const { auth, tools } = createTestService(opened().engine, { rules: { tokenSeconds: 1 } })
    const token = await open(await newUser())
    const text = tools.tokenText.write({ ...token, expiresAt: token.issuedAt - LONG_AGO })
    await age(token)
    const before = await t.throwsAsync(auth.verify(text))
    await run()
    await isGone(t, token)
    const after = await t.throwsAsync(auth.verify(text))
    t.is(before?.message, 'Token is expired')
    t.is(after?.message, 'Token is expired')
  })

  test('an entry stays as long as what it is about', async (t) => {
    const token = await open(await newUser())
    await end(token)
    await opened().engine.write('MATCH (entry:BlacklistEntry {id: $id}) SET entry.until = 0', {
      id: ownSession(token),
    })
    await run()
    t.true(await isThere('BlacklistEntry', ownSession(token)))
  })

  test('a session ends with its last token, and is removed after that alone', async (t) => {
    const token = await open(await newUser())
    const id = ownSession(token)
    const { pruning } = store()
    // Over for less than the margin, so that no run of another test takes it.
    await age(token, 900_000 + MARGIN_MS / 2)
    const endedAt = token.expiresAt - 900_000 - MARGIN_MS / 2
    t.is(await pruning.remove('session', [id], endedAt + 1), 0, 'not while it has a token')
    t.is(await pruning.remove('token', [token.id], endedAt), 0)
    t.is(await pruning.remove('token', [token.id], endedAt + 1), 1)
    t.false((await pruning.ended('session', endedAt, 10_000)).includes(id))
    t.true((await pruning.ended('session', endedAt + 1, 10_000)).includes(id))
    t.is(await pruning.remove('session', [id], endedAt), 0)
    t.is(await pruning.remove('session', [id], endedAt + 1), 1)
  })

  test('a dry run counts and removes nothing', async (t) => {
    const { tools } = createTestService(opened().engine)
    const token = await open(await newUser())
    await age(token)
    const pruned = await prune(tools, { dryRun: true })
    t.like(pruned, { complete: true })
    await run()
    await isGone(t, token)
  })

  test('a run that is told to stop ends after its batch', async (t) => {
    const user = await newUser()
    for (const token of [await open(user), await open(user)]) await age(token)
    const pruned = await run({ signal: AbortSignal.abort() })
    t.is(pruned.tokens, 0)
    await run()
  })

  test('a lease has one holder, who keeps it until its time is over or it is given back', async (t) => {
    const name = newId()
    const { pruning } = store()
    const holders = Array.from({ length: 10 }, newId)
    const taken = await Promise.all(holders.map((holder) => pruning.lease(name, holder, 60_000)))
    t.is(taken.filter(Boolean).length, 1)
    const winner = holders[taken.indexOf(true)] as string
    t.true(await pruning.lease(name, winner, 3_000), 'it is kept')
    t.false(await pruning.lease(name, 'another', 60_000))
    await new Promise((resolve) => setTimeout(resolve, 3_100))
    t.true(await pruning.lease(name, 'another', 60_000), 'it is taken over from who died')
    await pruning.release(name, winner)
    t.false(await pruning.lease(name, winner, 60_000), 'only its holder gives it back')
    await pruning.release(name, 'another')
    t.true(await pruning.lease(name, winner, 60_000))
  })

  test('sessions that are used while it runs are not touched', async (t) => {
    const user = await newUser()
    const live = await Promise.all(Array.from({ length: 20 }, () => open(user)))
    const old = await Promise.all(Array.from({ length: 20 }, () => open(user)))
    for (const token of old) await age(token)
    const [successors] = await Promise.all([Promise.all(live.map(refresh)), run()])
    for (const token of [...live, ...successors]) {
      t.is(stateOf(token, await store().tokens.sight(token), store().now()), 'valid')
    }
  })
}

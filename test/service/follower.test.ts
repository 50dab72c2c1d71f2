import { setTimeout as delay } from 'node:timers/promises'
import anyTest, { type ExecutionContext } from 'ava'
import type { BlacklistEntry } from '../../src/blacklist.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'
import { createFollower, type Following } from '../../src/service/follower.ts'
import { createBlacklistMemory } from '../../src/service/memory.ts'
import { createRemembering } from '../../src/service/remembering.ts'
import type { Feed, Store } from '../../src/store.ts'
import { ownSession, type Token } from '../../src/token.ts'
import { DEFAULT_TENANT, type User, userKey } from '../../src/user.ts'
import { engines, neo4j } from '../support/engines.ts'
import { type HeldTransaction, holdTransaction } from '../support/held-transaction.ts'
import { type Opened, registerOnEngines } from '../support/suites.ts'
import { newUsername, prepareSchema } from '../support/world.ts'

const BOUND_MS = 1_000
const NOW = 1_800_000_000_000
const SWEEP_MS = 10_000

/** What a scripted feed shows, to be changed as the test goes on. */
interface Shown {
  seq: number
  epoch: string
  /** Those that are visible. */
  entries: BlacklistEntry[]
  /** Where set, a read fails. */
  failure?: Error
  /** What a read, a fence and a heartbeat wait for before they answer. */
  beforeRead(): Promise<void> | void
  beforeFence(): Promise<void> | void
  beforeHeartbeat(): Promise<void> | void
  heartbeats: number
}

/** A follower of a feed that shows what the test says, at the time that the test says. */
function follow(t: ExecutionContext, options: Partial<Following> & { heartbeat?: boolean } = {}) {
  const nothing = () => undefined
  const shown: Shown = {
    seq: 0,
    epoch: 'first',
    entries: [],
    beforeRead: nothing,
    beforeFence: nothing,
    beforeHeartbeat: nothing,
    heartbeats: 0,
  }
  const told = { resets: 0, failures: [] as unknown[], reads: 0 }
  const time = { ms: 0 }
  const feed: Feed = {
    needsHeartbeat: options.heartbeat ?? false,
    async read(after, limit) {
      told.reads += 1
      await shown.beforeRead()
      if (shown.failure) throw shown.failure
      const { seq, epoch } = shown
      const entries = shown.entries.toSorted((a, b) => a.seq - b.seq)
      return { seq, epoch, entries: entries.filter((one) => one.seq > after).slice(0, limit) }
    },
    async fence() {
      await shown.beforeFence()
      if (shown.failure) throw shown.failure
      return { seq: shown.seq, epoch: shown.epoch }
    },
    async heartbeat() {
      await shown.beforeHeartbeat()
      shown.heartbeats += 1
    },
  }
  const memory = createBlacklistMemory()
  const follower = createFollower({
    feed,
    memory,
    pollMs: 1,
    maxStalenessMs: BOUND_MS,
    mostEntries: 10_000,
    now: () => NOW,
    monotonic: () => time.ms,
    onReset: () => {
      told.resets += 1
    },
    onFailure: (error) => told.failures.push(error),
    ...options,
  })
  t.teardown(() => follower.stop())
  /** Waits until the follower has begun and ended a poll with what is shown now. */
  async function looked(): Promise<void> {
    const { reads } = told
    await until(() => told.reads >= reads + 2)
    await delay(2)
  }
  return { shown, told, time, memory, follower, looked }
}

function entry(seq: number, changes: Partial<BlacklistEntry> = {}): BlacklistEntry {
  return {
    seq,
    scope: 'session',
    id: `session ${seq}`,
    generation: null,
    before: null,
    kind: 'ended',
    at: NOW,
    from: NOW,
    until: NOW + 900_000,
    reason: 'logout',
    operation: `operation ${seq}`,
    ...changes,
  }
}

function entries(...seqs: number[]): BlacklistEntry[] {
  return seqs.map((seq) => entry(seq))
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

async function until(isSo: () => boolean, ms = 5_000): Promise<void> {
  const end = performance.now() + ms
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${isSo}`)
    await delay(1)
  }
}

/** A gate that is shut until it is opened. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { wait: () => promise, open: resolve }
}

function seqs(memory: { all(): BlacklistEntry[] }): number[] {
  return memory
    .all()
    .map(({ seq }) => seq)
    .toSorted((a, b) => a - b)
}

anyTest('before its first look it is not trusted, after it it is', async (t) => {
  const { shown, follower, memory } = follow(t)
  Object.assign(shown, { seq: 2, entries: entries(1, 2) })
  t.false(follower.isTrusted())
  t.like(follower.status(), { mode: 'starting', seq: 0, ageMs: Number.POSITIVE_INFINITY })
  follower.start()
  await until(follower.isTrusted)
  t.like(follower.status(), { mode: 'memory', seq: 2, epoch: 'first', ageMs: 0, entries: 2 })
  t.deepEqual(seqs(memory), [1, 2])
})

anyTest('entries that come are applied', async (t) => {
  const { shown, follower, memory, looked } = follow(t)
  follower.start()
  for (const seq of range(1, 5)) {
    shown.entries.push(entry(seq))
    shown.seq = seq
    await looked()
    t.is(follower.status().seq, seq)
  }
  t.deepEqual(seqs(memory), range(1, 5))
})

anyTest('a hole is not passed while a write is under way', async (t) => {
  const { shown, follower, memory, time, looked } = follow(t)
  Object.assign(shown, { seq: 2, entries: entries(1, 2) })
  follower.start()
  await until(follower.isTrusted)
  const writing = gate()
  shown.beforeFence = writing.wait
  Object.assign(shown, { seq: 4, entries: entries(1, 2, 4) })
  await looked()
  await delay(10)
  t.is(follower.status().seq, 2)
  time.ms += BOUND_MS + 1
  t.false(follower.isTrusted(), 'what is behind a hole cannot be known')
  shown.entries.push(entry(3))
  writing.open()
  await until(follower.isTrusted)
  t.is(follower.status().seq, 4)
  t.deepEqual(seqs(memory), [1, 2, 3, 4])
})

anyTest('a hole that closes when it is read again costs nothing', async (t) => {
  const { shown, follower, memory, looked } = follow(t)
  follower.start()
  await until(follower.isTrusted)
  let fences = 0
  shown.beforeFence = () => {
    fences += 1
  }
  let reads = 0
  shown.beforeRead = () => {
    reads += 1
    if (reads === 2) shown.entries.push(entry(1))
  }
  Object.assign(shown, { seq: 2, entries: entries(2) })
  await looked()
  t.is(follower.status().seq, 2)
  t.deepEqual(seqs(memory), [1, 2])
  t.is(fences, 0)
})

anyTest('a hole that stays when no write is under way was pruned', async (t) => {
  const { shown, follower, memory } = follow(t)
  follower.start()
  await until(follower.isTrusted)
  Object.assign(shown, { seq: 9, entries: entries(3, 4, 8) })
  await until(() => follower.status().seq === 9)
  t.deepEqual(seqs(memory), [3, 4, 8])
  shown.entries.push(entry(10))
  shown.seq = 10
  await until(() => follower.status().seq === 10)
  t.true(follower.isTrusted())
})

anyTest('what appears in a hole after all is applied', async (t) => {
  const { shown, follower, memory } = follow(t)
  Object.assign(shown, { seq: 2, entries: entries(2) })
  follower.start()
  await until(follower.isTrusted)
  Object.assign(shown, { seq: 8, entries: entries(2, 4, 8) })
  await until(() => follower.status().seq === 8)
  for (const seq of [6, 3, 7, 5, 1]) {
    shown.entries.push(entry(seq))
    await until(() => seqs(memory).includes(seq))
  }
  t.is(follower.status().seq, 8)
})

anyTest('the cursor is at the last entry, not at the counter', async (t) => {
  const { shown, follower, memory, looked } = follow(t)
  Object.assign(shown, { seq: 1, entries: entries(1) })
  follower.start()
  await until(follower.isTrusted)
  Object.assign(shown, { seq: 5, entries: entries(1, 2, 3) })
  await looked()
  t.is(follower.status().seq, 3)
  shown.entries.push(...entries(4, 5))
  await looked()
  t.is(follower.status().seq, 5)
  t.deepEqual(seqs(memory), range(1, 5))
})

anyTest('another epoch drops everything', async (t) => {
  const { shown, told, follower, memory } = follow(t)
  Object.assign(shown, { seq: 3, entries: entries(1, 2, 3) })
  follower.start()
  await until(follower.isTrusted)
  t.is(told.resets, 0)
  Object.assign(shown, { seq: 5, epoch: 'second', entries: entries(2, 5) })
  await until(() => follower.status().epoch === 'second' && follower.isTrusted())
  t.is(told.resets, 1)
  t.deepEqual(seqs(memory), [2, 5])
  t.is(follower.status().seq, 5)
})

anyTest('a lower counter drops everything', async (t) => {
  const { shown, told, follower, memory } = follow(t)
  Object.assign(shown, { seq: 3, entries: entries(1, 2, 3) })
  follower.start()
  await until(follower.isTrusted)
  Object.assign(shown, { seq: 2, entries: entries(1) })
  await until(() => told.resets === 1 && follower.isTrusted())
  t.deepEqual(seqs(memory), [1])
  t.is(follower.status().seq, 2)
})

anyTest('while it starts over it is not trusted', async (t) => {
  const { shown, told, follower } = follow(t)
  Object.assign(shown, { seq: 3, entries: entries(1, 2, 3) })
  follower.start()
  await until(follower.isTrusted)
  const writing = gate()
  shown.beforeFence = writing.wait
  shown.epoch = 'second'
  await until(() => told.resets === 1)
  t.false(follower.isTrusted())
  t.is(follower.status().mode, 'starting')
  writing.open()
  await until(follower.isTrusted)
})

anyTest('the age counts from when the look began', async (t) => {
  const { shown, time, told, follower } = follow(t)
  follower.start()
  await until(follower.isTrusted)
  const slow = gate()
  const { reads } = told
  shown.beforeRead = slow.wait
  await until(() => told.reads > reads)
  time.ms += 600
  slow.open()
  const rest = gate()
  shown.beforeRead = rest.wait
  t.teardown(rest.open)
  await delay(10)
  t.is(follower.status().ageMs, 600)
  t.true(follower.isTrusted())
  time.ms += 400
  t.true(follower.isTrusted())
  time.ms += 1
  t.false(follower.isTrusted())
  t.is(follower.status().mode, 'stale')
})

anyTest('when looks fail it is stale after the bound, and recovers', async (t) => {
  const { shown, told, time, follower, memory } = follow(t)
  follower.start()
  await until(follower.isTrusted)
  shown.failure = new Error('the graph is away')
  await until(() => told.failures.length > 2)
  t.is(told.failures[0], shown.failure)
  t.true(follower.isTrusted(), 'within the bound')
  time.ms += BOUND_MS + 1
  t.false(follower.isTrusted())
  t.is(follower.status().mode, 'stale')
  Object.assign(shown, { seq: 1, entries: entries(1) })
  delete shown.failure
  await until(follower.isTrusted)
  t.deepEqual(seqs(memory), [1], 'caught up before it is trusted')
  t.is(told.resets, 0)
})

anyTest(
  'a jump of the clock is seen at the very next look, without a turn of the loop',
  async (t) => {
    const { time, follower } = follow(t)
    follower.start()
    await until(follower.isTrusted)
    time.ms += BOUND_MS + 1
    t.false(follower.isTrusted())
  },
)

anyTest(
  'a look that was under way when the process was stopped proves nothing after',
  async (t) => {
    const { shown, time, told, follower } = follow(t)
    follower.start()
    await until(follower.isTrusted)
    const answer = gate()
    const after = gate()
    const { reads } = told
    shown.beforeRead = answer.wait
    await until(() => told.reads > reads)
    shown.beforeRead = after.wait
    time.ms += BOUND_MS + 1
    answer.open()
    await until(() => told.reads > reads + 1)
    t.false(follower.isTrusted())
    after.open()
    await until(follower.isTrusted)
  },
)

anyTest('a start reads page by page', async (t) => {
  const { shown, told, follower, memory } = follow(t)
  const all = range(1, 4_500).filter((seq) => seq % 7 !== 0)
  Object.assign(shown, { seq: 4_500, entries: entries(...all) })
  follower.start()
  await until(follower.isTrusted)
  t.deepEqual(seqs(memory), all)
  t.is(follower.status().seq, 4_500)
  t.true(told.reads >= 2, 'in more than one read')
})

anyTest('what comes between two looks may be more than a page', async (t) => {
  const { shown, follower, memory } = follow(t)
  follower.start()
  await until(follower.isTrusted)
  Object.assign(shown, { seq: 4_001, entries: entries(...range(1, 4_001)) })
  await until(() => follower.status().seq === 4_001)
  t.is(memory.size, 4_001)
})

anyTest('past its bound the graph is asked, until there is room', async (t) => {
  const { shown, time, follower, memory, looked } = follow(t, { mostEntries: 10 })
  Object.assign(shown, { seq: 10, entries: entries(...range(1, 10)) })
  follower.start()
  await until(follower.isTrusted)
  shown.entries.push(entry(11))
  shown.seq = 11
  await until(() => !follower.isTrusted())
  t.is(follower.status().mode, 'overflow')
  t.is(memory.size, 0)
  time.ms += SWEEP_MS
  await looked()
  await looked()
  t.is(follower.status().mode, 'overflow')
  Object.assign(shown, { seq: 13, entries: entries(7, 9, 13) })
  time.ms += SWEEP_MS
  await until(follower.isTrusted)
  t.deepEqual(seqs(memory), [7, 9, 13])
})

anyTest('a start past its bound, over what was pruned, comes back as well', async (t) => {
  const { shown, time, follower, memory, looked } = follow(t, { mostEntries: 10 })
  const pages = range(1, 6_000).filter((seq) => seq % 100 !== 0)
  Object.assign(shown, { seq: 6_000, entries: entries(...pages) })
  follower.start()
  await looked()
  await until(() => follower.status().mode === 'overflow')
  Object.assign(shown, { entries: entries(5_990) })
  time.ms += SWEEP_MS
  await until(follower.isTrusted)
  t.deepEqual(seqs(memory), [5_990])
})

anyTest('spent entries make room', async (t) => {
  const { shown, follower, memory } = follow(t, { mostEntries: 10 })
  const spent = range(1, 20).map((seq) => entry(seq, { until: NOW - 60_000 }))
  const late = entry(21, { until: NOW - 59_999 })
  Object.assign(shown, { seq: 22, entries: [...spent, late, entry(22)] })
  follower.start()
  await until(follower.isTrusted)
  const kept = seqs(memory)
  t.true(kept.length <= 10)
  t.true(kept.includes(21) && kept.includes(22))
})

anyTest('entries are let go a minute after they are spent, and not before', async (t) => {
  let now = NOW
  const { shown, time, follower, memory, looked } = follow(t, { now: () => now })
  const short = entry(1, { until: NOW + 1_000 })
  Object.assign(shown, { seq: 2, entries: [short, entry(2)] })
  follower.start()
  await until(follower.isTrusted)
  now = NOW + 60_999
  time.ms += SWEEP_MS
  await looked()
  t.deepEqual(seqs(memory), [1, 2])
  now = NOW + 61_000
  time.ms += SWEEP_MS
  await looked()
  t.deepEqual(seqs(memory), [2])
})

anyTest('where a read proves nothing, a look without a heartbeat does not either', async (t) => {
  const { shown, time, follower, looked } = follow(t, { heartbeat: true })
  follower.start()
  await until(follower.isTrusted)
  t.true(shown.heartbeats > 0)
  const lost = gate()
  const ends = () => lost.wait().then(() => Promise.reject(new Error('no leader')))
  // Looks go on while no heartbeat is due.
  time.ms += BOUND_MS / 3
  await looked()
  t.is(follower.status().ageMs, BOUND_MS / 3)
  shown.beforeHeartbeat = ends
  time.ms += BOUND_MS
  t.false(follower.isTrusted())
  await delay(10)
  t.false(follower.isTrusted())
  shown.beforeHeartbeat = () => undefined
  lost.open()
  await until(follower.isTrusted)
})

anyTest('a heartbeat counts from when it was sent', async (t) => {
  const { shown, time, follower } = follow(t, { heartbeat: true })
  const slow = gate()
  let isSent = false
  shown.beforeHeartbeat = () => {
    isSent = true
    return slow.wait()
  }
  follower.start()
  await until(() => isSent)
  time.ms += 300
  slow.open()
  await until(follower.isTrusted)
  t.is(follower.status().ageMs, 300)
})

anyTest('where a read does prove it, nothing is written', async (t) => {
  const { shown, time, follower, looked } = follow(t)
  follower.start()
  await until(follower.isTrusted)
  time.ms += 10 * BOUND_MS
  await looked()
  t.is(shown.heartbeats, 0)
})

anyTest('once stopped it looks no more', async (t) => {
  const { told, follower } = follow(t)
  follower.start()
  await until(follower.isTrusted)
  await follower.stop()
  const { reads } = told
  await delay(20)
  t.is(told.reads, reads)
})

/** One of several processes on one graph: its store, and what it remembers. */
function process(t: ExecutionContext, { store }: Pick<Opened, 'store'>) {
  const remembering = createRemembering(store, {
    pollMs: 10,
    maxStalenessMs: 5_000,
    mostEntries: 1_000_000,
    mostChecked: 1_000,
    mostKnown: 1_000,
    monotonic: () => performance.now(),
    onFailure: (error) => t.log(String(error)),
  })
  const { follower, known, memory, store: own } = remembering
  follower.start()
  t.teardown(() => follower.stop())
  return {
    store: own,
    follower,
    memory,
    known,
    ready: () => until(follower.isTrusted, 20_000),
    hears: (id: string, ms = 2_000) =>
      until(() => memory.all().some((entry) => entry.id === id), ms),
    knows: (id: string) => memory.all().some((entry) => entry.id === id),
  }
}

async function newUser(store: Store): Promise<User> {
  const username = newUsername()
  const key = userKey(DEFAULT_TENANT, username)
  const user = { id: newId(), key, username, passwordHash: 'hash', tenant: DEFAULT_TENANT }
  await store.users.register(user)
  return (await store.users.find(key)) as User
}

async function open(store: Store, user?: User): Promise<Token> {
  const session = { id: newId(), user: user ?? (await newUser(store)), token: newId(), kid: 'kid' }
  const spans = { sessionSeconds: 3600, tokenSeconds: 900 }
  return (await store.sessions.open({ ...session, ...spans }))?.token as Token
}

function end(store: Store, token: Token) {
  const how = { operation: newId(), scope: 'session', reason: 'logout' } as const
  return store.sessions.end(token, how)
}

registerOnEngines((test, opened) => {
  test('two on one graph hear of each other’s entries', async (t) => {
    const [one, other] = [process(t, opened()), process(t, opened())]
    await Promise.all([one.ready(), other.ready()])
    const user = await newUser(one.store)
    const [ended, refreshed] = [await open(one.store, user), await open(one.store, user)]
    await end(one.store, ended)
    t.true(one.knows(ownSession(ended)), 'its own at once')
    await other.hears(ownSession(ended))
    const next = { id: newId(), kid: 'kid', tokenSeconds: 900, graceSeconds: 30 }
    await other.store.tokens.refresh(refreshed, next)
    t.true(other.knows(refreshed.id))
    await one.hears(refreshed.id)
    await other.store.users.endSessions({ user: user.id, reason: 'operator', operation: newId() })
    await one.hears(user.id)
  })

  test('one that starts later reads all that came before', async (t) => {
    const { store } = opened()
    const tokens = await Promise.all(range(1, 20).map(() => open(store)))
    await Promise.all(tokens.map((token) => end(store, token)))
    const late = process(t, opened())
    await late.ready()
    for (const token of tokens) t.true(late.knows(ownSession(token)))
  })

  test('many writes at once by several are all heard by all', async (t) => {
    const all = range(1, 3).map(() => process(t, opened()))
    await Promise.all(all.map((one) => one.ready()))
    const user = await newUser(opened().store)
    const tokens = await Promise.all(range(1, 60).map(() => open(opened().store, user)))
    await Promise.all(tokens.map((token, i) => end((all[i % 3] as (typeof all)[0]).store, token)))
    for (const one of all) for (const token of tokens) await one.hears(ownSession(token))
    t.pass()
  })
})

/** The graph of a test that does to it what only another program would do. */
async function openFor(t: ExecutionContext, name: string): Promise<Opened> {
  const engine = await engines.find((one) => one.name === name)?.open()
  if (!engine) throw new Error(`no ${name} here`)
  t.teardown(() => engine.close())
  await prepareSchema(engine, newId)
  return { engine, store: createStore(engine) }
}

anyTest('embedded: another epoch, or a lower seq, starts everybody over', async (t) => {
  const { engine, store } = await openFor(t, 'embedded')
  const one = process(t, { store })
  await one.ready()
  const [first, second] = [await open(store), await open(store)]
  await end(store, first)
  await end(store, second)
  await one.hears(ownSession(second))
  await engine.write(`MATCH (entry:BlacklistEntry {seq: 2}) DETACH DELETE entry`)
  one.known.add(first.id)
  await engine.write(`MATCH (feed:Feed {name: 'blacklist'}) SET feed.seq = 1`)
  await until(() => one.known.size === 0 && one.follower.isTrusted())
  t.deepEqual(seqs(one.memory), [1])
  one.known.add(first.id)
  await engine.write(`MATCH (feed:Feed {name: 'blacklist'}) SET feed.epoch = 'another'`)
  await until(() => one.known.size === 0 && one.follower.isTrusted())
  t.is(one.follower.status().epoch, 'another')
  t.deepEqual(seqs(one.memory), [1])
})

anyTest('embedded: what was pruned holds nobody', async (t) => {
  const { engine, store } = await openFor(t, 'embedded')
  const one = process(t, { store })
  await one.ready()
  const tokens = [await open(store), await open(store), await open(store)]
  await one.follower.stop()
  for (const token of tokens) await end(store, token)
  await engine.write(`MATCH (entry:BlacklistEntry {seq: 2}) DETACH DELETE entry`)
  const later = process(t, { store })
  await later.ready()
  t.deepEqual(seqs(later.memory), [1, 3])
  await end(store, await open(store))
  await until(() => later.follower.status().seq === 4)
})

const onNeo4j = neo4j ? anyTest.serial : anyTest.serial.skip

const LOCK_AND_COUNT = `MATCH (feed:Feed {name: 'blacklist'}) SET feed.locked = true
  WITH feed SET feed.seq = feed.seq + 1
  RETURN feed.seq AS seq`

/** Writes an entry about the token's session in a transaction that stays open. */
async function create(held: HeldTransaction, token: Token, seq: unknown): Promise<void> {
  await held.run(
    `MATCH (session:Session {id: $id})
     CREATE (:BlacklistEntry {seq: $seq, scope: 'session', id: $id, kind: 'ended', at: timestamp(),
       \`from\`: timestamp(), until: $until, reason: 'operator', operation: $operation}
     )-[:BLACKLISTS]->(session)`,
    { id: ownSession(token), seq, until: token.expiresAt, operation: newId() },
  )
}

onNeo4j('Neo4j: a write that holds the feed while others wait is not skipped', async (t) => {
  const { store } = await openFor(t, 'Neo4j')
  const one = process(t, { store })
  await one.ready()
  const [slow, quick] = [await open(store), await open(store)]
  const held = holdTransaction(t)
  const [counted] = await held.run(LOCK_AND_COUNT)
  await create(held, slow, counted?.seq)
  const ending = end(store, quick)
  await delay(500)
  t.false(one.knows(ownSession(slow)))
  await held.commit()
  await one.hears(ownSession(slow))
  const { seq = 0 } = (await ending) ?? {}
  t.true(seq > Number(counted?.seq))
  await one.hears(ownSession(quick))
})

onNeo4j('Neo4j: a write held open while later ones commit is not skipped', async (t) => {
  const { engine, store } = await openFor(t, 'Neo4j')
  const [one, quiet] = [process(t, { store }), process(t, { store })]
  await Promise.all([one.ready(), quiet.ready()])
  const slow = await open(store)
  const others = [await open(store), await open(store), await open(store)]
  // A program that takes its number first, and writes what it is for in a transaction of its own.
  const [counted] = await engine.write(LOCK_AND_COUNT)
  const held = holdTransaction(t)
  await create(held, slow, counted?.seq)
  for (const other of others) {
    await end(store, other)
    await quiet.hears(ownSession(other))
    await delay(200)
  }
  const late = process(t, { store })
  await late.ready()
  t.false(one.knows(ownSession(slow)))
  await held.commit()
  for (const each of [one, quiet, late]) await each.hears(ownSession(slow), 1_000)
  t.pass()
})

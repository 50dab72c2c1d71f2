import { AuthError } from '../../src/error.ts'
import { newId } from '../../src/id.ts'
import type { NewCaller } from '../../src/store.ts'
import type { Declare, Opened } from '../support/suites.ts'
import { newCallerName } from '../support/world.ts'

const DAY_MS = 86_400_000

/** What every store promises about callers and their keys. */
export function callersContract(test: Declare, opened: () => Opened): void {
  const callers = () => opened().store.callers
  const now = () => opened().store.now()
  const newKey = () => ({ id: newId(), hash: `hash ${newId()}` })

  function newCaller(others: Partial<NewCaller> = {}) {
    const scopes = ['verify', 'users'] as const
    return { id: newId(), name: newCallerName(), scopes, tenant: null, key: newKey(), ...others }
  }

  async function add(others: Partial<NewCaller> = {}) {
    const key = newKey()
    const caller = newCaller({ key, ...others })
    await callers().add(caller)
    return { ...caller, key }
  }

  async function statusOf(id: string) {
    return (await callers().list()).find((caller) => caller.id === id)
  }

  async function page(after: number) {
    return (await opened().store.feed.read(after, 1_000)).entries
  }

  async function seqNow(): Promise<number> {
    return (await opened().store.feed.fence()).seq
  }

  test('a caller is found by its key, with its scopes and its tenant', async (t) => {
    const free = await add()
    const bound = await add({ tenant: 'default' })
    t.deepEqual(await callers().byKey(free.key.id), {
      ...free.key,
      until: null,
      caller: { id: free.id, name: free.name, scopes: ['verify', 'users'], tenant: null },
    })
    const held = await callers().byKey(bound.key.id)
    t.is(held?.caller.tenant?.name, 'default')
    t.is(held?.caller.tenant?.id.length, 22)
    t.is(await callers().byKey(newId()), undefined)
    t.is(await callers().byKey(free.id), undefined)
  })

  test('many look-ups at once give each its own', async (t) => {
    const added = await Promise.all(Array.from({ length: 5 }, () => add()))
    const asked = Array.from({ length: 60 }, (_, i) => added[i % 6])
    const held = await Promise.all(asked.map((one) => callers().byKey(one?.key.id ?? newId())))
    t.deepEqual(
      held.map((one) => one?.caller.id),
      asked.map((one) => one?.id),
    )
  })

  test('a name is added once; its own repeat is recognised', async (t) => {
    const caller = newCaller({ tenant: 'default' })
    t.true(await callers().add(caller))
    t.true(await callers().add(caller))
    t.false(await callers().add({ ...newCaller(), name: caller.name }))
    t.is((await statusOf(caller.id))?.keys.length, 1)
    const racers = Array.from({ length: 10 }, () => ({ ...newCaller(), name: newCallerName(1) }))
    const name = newCallerName()
    const won = await Promise.all(racers.map((racer) => callers().add({ ...racer, name })))
    t.is(won.filter(Boolean).length, 1)
  })

  test('a caller of a tenant that is not there is not added', async (t) => {
    const caller = newCaller({ tenant: 'nowhere' })
    const error = await t.throwsAsync(callers().add(caller), { instanceOf: AuthError })
    t.is((error as AuthError).code, 'tenant_does_not_exist')
    t.is(await callers().find(caller.name), undefined)
  })

  test('a caller with a certificate is found by its name, and by that alone', async (t) => {
    const certified = await add({ key: null })
    const keyed = await add()
    t.like(await callers().byCertificate(certified.name), { id: certified.id, tenant: null })
    t.is(await callers().byCertificate(keyed.name), undefined)
    t.is(await callers().byCertificate(newCallerName()), undefined)
    t.deepEqual(await callers().find(certified.name), { id: certified.id, certificate: true })
    t.deepEqual(await callers().find(keyed.name), { id: keyed.id, certificate: false })
    const rotation = { caller: certified.id, key: newKey(), overlapSeconds: 0 }
    t.is(await callers().rotate(rotation), undefined)
    t.is(await callers().byKey(rotation.key.id), undefined)
  })

  test('a rotation with an overlap ends the old key at its end, with an entry that says so', async (t) => {
    const { id: caller, key: old } = await add()
    const key = newKey()
    const seq = await seqNow()
    const entries = await callers().rotate({ caller, key, overlapSeconds: 60 })
    t.is(entries?.length, 1)
    t.like(entries?.[0], { scope: 'key', id: old.id, kind: 'superseded', operation: key.id })
    const [{ at, from, until } = { at: 0, from: 0, until: 0 }] = entries ?? []
    t.is(from, at + 60_000)
    t.is(until, from + DAY_MS)
    t.is((await callers().byKey(old.id))?.until, from)
    t.is((await callers().byKey(key.id))?.until, null)
    t.deepEqual(
      (await page(seq)).filter((entry) => entry.id === old.id),
      entries,
    )
    t.deepEqual(
      (await statusOf(caller))?.keys.map(({ id }) => id).toSorted(),
      [old.id, key.id].toSorted(),
    )
  })

  test('a rotation without an overlap ends every key but the new one', async (t) => {
    const { id: caller, key: first } = await add()
    const [second, third] = [newKey(), newKey()]
    await callers().rotate({ caller, key: second, overlapSeconds: 60 })
    const entries = await callers().rotate({ caller, key: third, overlapSeconds: 0 })
    t.deepEqual(entries?.map(({ id }) => id).toSorted(), [first.id, second.id].toSorted())
    for (const entry of entries ?? []) t.like(entry, { kind: 'ended', scope: 'key' })
    t.is(new Set(entries?.map(({ seq }) => seq)).size, 2)
    t.true(((await callers().byKey(first.id))?.until ?? Infinity) <= now())
    t.deepEqual(
      (await statusOf(caller))?.keys.map(({ id }) => id),
      [third.id],
    )
    // What is over goes with the next rotation.
    await callers().rotate({ caller, key: newKey(), overlapSeconds: 60 })
    t.is(await callers().byKey(first.id), undefined)
  })

  test('an overlap never makes a key live longer', async (t) => {
    const { id: caller, key } = await add()
    await callers().rotate({ caller, key: newKey(), overlapSeconds: 10 })
    const until = (await callers().byKey(key.id))?.until
    const entries = await callers().rotate({ caller, key: newKey(), overlapSeconds: 3600 })
    t.is((await callers().byKey(key.id))?.until, until)
    t.false(entries?.some(({ id }) => id === key.id))
  })

  test('a rotation is done once, whoever repeats it', async (t) => {
    const { id: caller, key: old } = await add()
    const rotation = { caller, key: newKey(), overlapSeconds: 0 }
    const entries = await callers().rotate(rotation)
    t.deepEqual(await callers().rotate(rotation), entries)
    t.is((await callers().byKey(rotation.key.id))?.until, null)
    const seq = entries?.[0]?.seq ?? 0
    t.is((await page(seq - 1)).filter(({ id }) => id === old.id).length, 1)
    t.is(await callers().rotate({ ...rotation, caller: newId(), key: newKey() }), undefined)
  })

  test('20 rotations at once leave one key that stays, and no two entries in one place', async (t) => {
    const { id: caller } = await add()
    const made = await Promise.all(
      Array.from({ length: 20 }, () =>
        callers().rotate({ caller, key: newKey(), overlapSeconds: 0 }),
      ),
    )
    const seqs = made.flatMap((entries) => entries?.map(({ seq }) => seq) ?? [])
    t.is(seqs.length, 20)
    t.is(new Set(seqs).size, 20)
    t.is((await statusOf(caller))?.keys.length, 1)
  })

  test('a revoked caller has no keys, an entry, and a name that is free again', async (t) => {
    const { id: caller, key, name } = await add({ tenant: 'default' })
    await callers().rotate({ caller, key: newKey(), overlapSeconds: 60 })
    const operation = newId()
    const entry = await callers().revoke({ caller, operation })
    t.like(entry, { scope: 'caller', id: caller, kind: 'ended', operation, reason: 'operator' })
    t.is(entry?.until, (entry?.at ?? 0) + DAY_MS)
    t.deepEqual(await callers().revoke({ caller, operation }), entry)
    t.is(await callers().revoke({ caller, operation: newId() }), undefined)
    t.is(await callers().byKey(key.id), undefined)
    t.is(await callers().find(name), undefined)
    t.is(await callers().rotate({ caller, key: newKey(), overlapSeconds: 0 }), undefined)
    t.like(await statusOf(caller), { name, status: 'revoked', revokedAt: entry?.at, keys: [] })

    const again = await add({ name, key: null })
    t.is((await callers().byCertificate(name))?.id, again.id)
    await callers().revoke({ caller: again.id, operation: newId() })
    t.is(await callers().byCertificate(name), undefined)
    t.is((await callers().list()).filter((one) => one.name === name).length, 2)
  })

  test('of a key the graph holds its id, its hash and its times', async (t) => {
    const { id: caller, key } = await add()
    await callers().rotate({ caller, key: newKey(), overlapSeconds: 60 })
    const rows = await opened().engine.read(
      'MATCH (key:ApiKey {id: $id}) UNWIND keys(key) AS name RETURN DISTINCT name',
      { id: key.id },
    )
    t.deepEqual(rows.map(({ name }) => name).toSorted(), ['createdAt', 'hash', 'id', 'until'])
  })

  test('an entry about a caller is pruned when its time is over, and not before', async (t) => {
    const { id: caller } = await add()
    const { seq = 0, until = 0 } = (await callers().revoke({ caller, operation: newId() })) ?? {}
    const { pruning } = opened().store
    t.is(await pruning.remove('entry', [seq], until), 0)
    t.is((await page(seq - 1))[0]?.seq, seq)
    t.true((await pruning.ended('entry', until + 1, 10_000)).includes(seq))
    t.is(await pruning.remove('entry', [seq], until + 1), 1)
  })
}

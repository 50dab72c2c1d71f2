import { setTimeout as delay } from 'node:timers/promises'
import anyTest, { type ExecutionContext } from 'ava'
import jwt from 'jsonwebtoken'
import type { Engine } from '../../src/graph/engine.ts'
import { newId } from '../../src/id.ts'
import { createKeyRing } from '../../src/keys.ts'
import { createFirstSight, createRecall } from '../../src/service/service.ts'
import { createTokenText } from '../../src/token-text.ts'
import { refuses } from '../contract/auth.suite.ts'
import { engines } from '../support/engines.ts'
import { registerOnEngines } from '../support/suites.ts'
import { createTestService, NAMES, newUsername, PASSWORD, prepareSchema } from '../support/world.ts'

/** The same graph, with the tokens noted that it is asked about. */
function counted(engine: Engine): { engine: Engine; asked(): number } {
  let asked = 0
  return {
    asked: () => asked,
    engine: {
      ...engine,
      read(statement, parameters) {
        if (Array.isArray(parameters?.paths)) asked += parameters.paths.length
        return engine.read(statement, parameters)
      },
    },
  }
}

/** A service that remembers, and tokens that it has not seen: another one issues them. */
async function setUp(t: ExecutionContext, graph: Engine, most = {}, tokenSeconds = 900) {
  const { engine, asked } = counted(graph)
  const { auth, tools, remembering, close } = createTestService(engine, { fromMemory: true, most })
  const issuer = createTestService(graph, { rules: { tokenSeconds } })
  if (!remembering) throw new Error('it does not remember')
  const { follower, checked, known, paths } = remembering
  t.teardown(close)
  while (!follower.isTrusted()) await delay(5)
  const credentials = { username: newUsername(), password: PASSWORD }
  await issuer.auth.register(credentials)
  // A first sight waits for 300 ms, in which a cold Neo4j may not even plan it.
  await issuer.auth.verify((await issuer.auth.login(credentials)).text)
  return {
    auth,
    tools,
    issuer,
    asked,
    checked,
    known,
    paths,
    follower,
    recall: createRecall(tools, (verified) => verified),
    firstSight: createFirstSight(tools, (verified) => verified),
    sizes: () => [checked.size, known.size],
    grant: async () => (await issuer.auth.login(credentials)).text,
    grants: (count: number) =>
      Promise.all(
        Array.from({ length: count }, async () => (await issuer.auth.login(credentials)).text),
      ) as Promise<[string, ...string[]]>,
  }
}

registerOnEngines((test, opened) => {
  test('a known token whose text has gone is verified without the graph', async (t) => {
    const { auth, asked, sizes, grants, recall, checked } = await setUp(t, opened().engine, {
      mostChecked: 2,
    })
    const texts = await grants(6)
    const seen = []
    for (const text of texts) seen.push(await auth.verify(text))
    t.is(asked(), 6)
    t.deepEqual(sizes(), [2, 6])
    for (let round = 0; round < 3; round += 1) {
      for (const [i, text] of texts.entries()) {
        t.is(checked.get(text), undefined)
        t.is(recall(text), undefined)
        t.deepEqual(await auth.verify(text), seen[i])
        t.deepEqual(recall(text), seen[i], 'its text is back')
      }
    }
    t.is(asked(), 6)
    t.deepEqual(sizes(), [2, 6])
  })

  test('the short way verifies it, too', async (t) => {
    const most = { mostChecked: 1 }
    const { auth, asked, grants, recall, firstSight } = await setUp(t, opened().engine, most)
    const [first, second] = (await grants(2)) as [string, string]
    const seen = await auth.verify(first)
    await auth.verify(second)
    t.is(recall(first), undefined)
    t.deepEqual(await firstSight(first), seen)
    t.is(asked(), 2)
  })

  test('past the bound of the known the oldest are asked about again', async (t) => {
    const most = { mostChecked: 1, mostKnown: 2 }
    const { auth, asked, sizes, grants } = await setUp(t, opened().engine, most)
    const [first, second, third] = (await grants(3)) as [string, string, string]
    for (const text of [first, second, third]) await auth.verify(text)
    t.deepEqual(sizes(), [1, 2])
    for (const text of [second, third]) await auth.verify(text)
    t.is(asked(), 3)
    await auth.verify(first)
    t.is(asked(), 4)
    await auth.verify(second)
    t.is(asked(), 5)
  })

  test('a text outlives its id only until it is asked about again', async (t) => {
    const most = { mostKnown: 1 }
    const { auth, asked, grants, recall, firstSight } = await setUp(t, opened().engine, most)
    const [first, second] = (await grants(2)) as [string, string]
    for (const text of [first, second]) await auth.verify(text)
    t.is(recall(first), undefined)
    t.truthy(await firstSight(first))
    t.is(asked(), 3)
    t.truthy(recall(first))
    t.is(recall(second), undefined)
  })

  test('with a bound of none each verify asks the graph', async (t) => {
    const { auth, asked, sizes, grant } = await setUp(t, opened().engine, { mostKnown: 0 })
    const text = await grant()
    for (let i = 0; i < 3; i += 1) await auth.verify(text)
    t.is(asked(), 3)
    t.deepEqual(sizes(), [1, 0])
  })

  test('what is ended is refused by its id, with its text or without', async (t) => {
    const most = { mostChecked: 1 }
    const { auth, asked, grants } = await setUp(t, opened().engine, most)
    const [first, second, third] = (await grants(3)) as [string, string, string]
    for (const text of [first, second, third]) await auth.verify(text)
    for (const text of [first, third]) {
      await auth.blacklist(text, 'session')
      await refuses(t, auth.verify(text), 'token_is_blacklisted')
    }
    t.is(asked(), 3)
  })

  test('what is forged, unknown or ended never enters', async (t) => {
    const { auth, issuer, tools, asked, sizes, grant, checked } = await setUp(t, opened().engine)
    const text = await grant()
    await auth.verify(text)
    t.deepEqual(sizes(), [1, 1])
    const token = tools.tokenText.read(text)
    const others = createTokenText({ ring: createKeyRing('a secret of somebody else'), ...NAMES })
    const claims = jwt.decode(text) as object
    const [header, payload, signature] = text.split('.') as [string, string, string]
    const forged = [
      'junk',
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      `${header}.${payload}.`,
      // The id of a token that is known, under another signature or none.
      others.write(token),
      jwt.sign(claims, '', { algorithm: 'none' }),
    ]
    for (const one of forged) await refuses(t, auth.verify(one), 'token_is_invalid')
    t.is(asked(), 1, 'the graph is not asked')
    // Signed by us, and not held by the graph.
    const elsewhere = { sessions: [newId()] as [string] }
    for (const changes of [{ id: newId() }, { id: newId(), ...elsewhere }, elsewhere]) {
      const unknown = tools.tokenText.write({ ...token, ...changes })
      await refuses(t, auth.verify(unknown), 'token_is_invalid')
    }
    const ended = await grant()
    await issuer.auth.blacklist(ended, 'token')
    await refuses(t, auth.verify(ended), 'token_is_blacklisted')
    t.deepEqual(sizes(), [1, 1])
    const seen = asked()
    t.truthy(checked.get(text))
    checked.clear()
    await auth.verify(text)
    t.is(asked(), seen, 'it is known still')
  })

  test('an expired token is let go', async (t) => {
    const { auth, tools, sizes, grant } = await setUp(t, opened().engine, {}, 4)
    const text = await grant()
    const { expiresAt } = await auth.verify(text)
    t.deepEqual(sizes(), [1, 1])
    await delay(expiresAt - tools.store.now() + 5)
    await refuses(t, auth.verify(text), 'token_is_expired')
    t.deepEqual(sizes(), [0, 0])
  })

  test('once the checked are cleared, all is checked anew and nobody asks the graph', async (t) => {
    const { auth, asked, sizes, grant, recall, checked } = await setUp(t, opened().engine)
    const text = await grant()
    await auth.verify(text)
    checked.clear()
    t.is(recall(text), undefined)
    await auth.verify(text)
    t.is(asked(), 1)
    t.deepEqual(sizes(), [1, 1])
  })

  test('what was under way when either was cleared is not remembered', async (t) => {
    const { auth, sizes, grant, checked, known } = await setUp(t, opened().engine)
    const text = await grant()
    for (const cache of [checked, known]) {
      const verifying = auth.verify(text)
      cache.clear()
      await verifying
      t.deepEqual(sizes(), [0, 0])
    }
  })

  test('each token is counted once', async (t) => {
    const { auth, grants, recall, firstSight, paths } = await setUp(t, opened().engine, {
      mostChecked: 1,
    })
    const [first, second] = (await grants(2)) as [string, string]
    const ask = async (text: string) => recall(text) ?? firstSight(text) ?? auth.verify(text)
    await ask(first)
    t.deepEqual(paths.counts, { asked: 1, checked: 0, known: 0 })
    await ask(first)
    t.deepEqual(paths.counts, { asked: 2, checked: 1, known: 1 })
    await ask(second)
    await ask(first)
    t.deepEqual(paths.counts, { asked: 4, checked: 1, known: 2 })
    await t.throwsAsync(ask('junk'))
    t.is(paths.counts.asked, 4)
  })
})

anyTest('embedded: another epoch drops the known ids, and the texts stay', async (t) => {
  const engine = await engines[0]?.open()
  if (!engine) throw new Error('no engine')
  t.teardown(() => engine.close())
  await prepareSchema(engine, newId)
  const { auth, asked, sizes, grants, known, follower, recall } = await setUp(t, engine)
  const [kept, lost] = (await grants(2)) as [string, string]
  for (const text of [kept, lost]) await auth.verify(text)
  const { id } = await auth.verify(lost)
  t.is(asked(), 2)
  t.deepEqual(sizes(), [2, 2])

  await engine.write('MATCH (token:Token {id: $id}) DETACH DELETE token', { id })
  t.truthy(recall(lost), 'known as long as it is the same graph')
  await engine.write(`MATCH (feed:Feed {name: 'blacklist'}) SET feed.epoch = 'another'`)
  while (known.size > 0 || !follower.isTrusted()) await delay(5)
  t.deepEqual(sizes(), [2, 0])
  for (const text of [kept, lost]) t.is(recall(text), undefined)

  t.truthy(await auth.verify(kept))
  t.is(asked(), 3)
  t.truthy(recall(kept), 'known in this graph')
  await refuses(t, auth.verify(lost), 'token_is_invalid')
  t.is(asked(), 4)
  t.deepEqual(sizes(), [1, 1])
})

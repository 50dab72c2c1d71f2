import { setTimeout as delay } from 'node:timers/promises'
import anyTest from 'ava'
import { answersAtEveryDoor, asking, doors, loggedIn } from '../support/asking.ts'
import { counted } from '../support/counted.ts'
import { bearer } from '../support/http-client.ts'
import { mint, object, partsOf } from '../support/minted.ts'
import { type Declare, type Opened, registerOnEngines } from '../support/suites.ts'

for (const fromMemory of [false, true]) {
  registerOnEngines(
    (test, opened) => states(test, opened, fromMemory),
    fromMemory ? 'from memory' : 'from the graph',
    anyTest.serial,
  )
}

const INVALID: [number, string] = [400, 'Token is invalid']
const EXPIRED: [number, string] = [401, 'Token is expired']
const BLACKLISTED: [number, string] = [401, 'Token is blacklisted']

function states(test: Declare, opened: () => Opened, fromMemory: boolean): void {
  test('states: garbage is invalid and writes nothing', async (t) => {
    const { engine } = opened()
    const ask = await asking(t, engine, { fromMemory })
    const { username } = await loggedIn(ask)
    const before = await counted(engine, username)
    for (const garbage of ['x', 'a.b.c', '..', 'null', '{}', '\u0000', 'x'.repeat(4000)]) {
      await answersAtEveryDoor(t, ask, garbage, INVALID)
    }
    t.deepEqual(await counted(engine, username), before)
  })

  test('states: forged and expired is invalid and writes nothing', async (t) => {
    const { engine } = opened()
    const ask = await asking(t, engine, { fromMemory })
    const { username, token } = await loggedIn(ask)
    const { header, claims } = partsOf(token)
    const past = { ...claims, iat: '1000000000', exp: '1000000900' }
    const forged = mint(object(header), object(past), 'some other secret of more than 32 bytes')
    const before = await counted(engine, username)
    await answersAtEveryDoor(t, ask, forged, INVALID)
    // The same by the right key is a token whose time is over.
    await answersAtEveryDoor(t, ask, mint(object(header), object(past)), EXPIRED)
    t.deepEqual(await counted(engine, username), before)
  })

  test('states: expired, and expired and blacklisted, are expired', async (t) => {
    const { engine } = opened()
    const ask = await asking(t, engine, { fromMemory, rules: { tokenSeconds: 2 } })
    const kept = await loggedIn(ask)
    const ended = await loggedIn(ask)
    t.is((await ask('DELETE', '/auth', bearer(ended.token))).status, 200)
    await delay(2_100)
    for (const { token, username } of [kept, ended]) {
      const before = await counted(engine, username)
      await answersAtEveryDoor(t, ask, token, EXPIRED)
      t.deepEqual(await counted(engine, username), before)
    }
  })

  test('states: blacklisted stays blacklisted, and DELETE twice is told so', async (t) => {
    const { engine } = opened()
    const ask = await asking(t, engine, { fromMemory })
    const { username, token } = await loggedIn(ask)
    t.is((await ask('DELETE', '/auth', bearer(token))).status, 200)
    const after = await counted(engine, username)
    t.is(after.entries, 1)
    await answersAtEveryDoor(t, ask, token, BLACKLISTED)
    t.deepEqual(await counted(engine, username), after, 'there is still one entry')
  })

  test('states: superseded by a refresh is valid within the grace', async (t) => {
    const ask = await asking(t, opened().engine, { fromMemory })
    const { token } = await loggedIn(ask)
    const { text, json: next } = await ask('PATCH', '/auth', bearer(token))
    t.is((await ask('GET', '/auth', bearer(token))).status, 200)
    t.is((await ask('GET', '/auth', bearer(next.token))).status, 200)
    t.is((await ask('PATCH', '/auth', bearer(token))).text, text, 'the same successor')
  })

  test('states: superseded by a refresh is blacklisted past the grace', async (t) => {
    for (const method of doors) {
      const ask = await asking(t, opened().engine, { fromMemory, rules: { graceSeconds: 0 } })
      const { token } = await loggedIn(ask)
      const { json: next } = await ask('PATCH', '/auth', bearer(token))
      const { status, json } = await ask(method, '/auth', bearer(token))
      t.deepEqual([status, json.message], BLACKLISTED)
      // Whoever sends it to do more than verify shows that two hold it: the session ends.
      const after = await ask('GET', '/auth', bearer(next.token))
      t.is(after.status, method === 'GET' ? 200 : 401, method)
    }
  })

  test('states: of 20 DELETE at once one succeeds and makes the one entry', async (t) => {
    const { engine } = opened()
    const ask = await asking(t, engine, { fromMemory })
    const { username, token } = await loggedIn(ask)
    const racing = Array.from({ length: 20 }, () => ask('DELETE', '/auth', bearer(token)))
    const answers = await Promise.all(racing)
    const told = answers.map(({ status, json }) => `${status} ${json.message}`).toSorted()
    t.deepEqual(told, ['200 Success', ...Array(19).fill('401 Token is blacklisted')])
    t.is((await counted(engine, username)).entries, 1)
  })
}

import { userKey } from '../../src/user.ts'
import { registerOnEngines } from '../support/suites.ts'
import { createTestService, newUsername, PASSWORD } from '../support/world.ts'

registerOnEngines((test, opened) => {
  test('a log-in renews a hash of another cost, and a wrong password does not', async (t) => {
    const { engine, store } = opened()
    const before = createTestService(engine, { cost: 4 })
    const after = createTestService(engine, { cost: 5 })
    const username = newUsername()
    const credentials = { username, password: PASSWORD }
    const stored = async () => (await store.users.find(userKey('default', username)))?.passwordHash
    await before.auth.register(credentials)
    const old = (await stored()) as string
    t.true(after.tools.hasher.isOutdated(old))

    await t.throwsAsync(after.auth.login({ username, password: 'another horse' }))
    t.is(await stored(), old)

    const { text } = await after.auth.login(credentials)
    const renewed = (await stored()) as string
    t.not(renewed, old)
    t.false(after.tools.hasher.isOutdated(renewed))
    t.like(await after.auth.verify(text), { username }, 'its session is live')
    await after.auth.login(credentials)
    t.is(await stored(), renewed, 'once is enough')
  })
})

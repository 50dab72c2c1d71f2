import { AuthError } from '../../src/error.ts'
import { createPasswordHasher } from '../../src/password.ts'
import { createQueue } from '../../src/queue.ts'
import { createService } from '../../src/service/service.ts'
import { registerOnEngines } from '../support/suites.ts'
import { createTestService, newUsername, PASSWORD } from '../support/world.ts'

registerOnEngines((test, opened) => {
  test('whom the hash queue has no room for is refused without a look at the graph', async (t) => {
    const { engine } = opened()
    let asked = 0
    const { auth, tools } = createTestService({
      ...engine,
      read(statement, parameters) {
        asked += 1
        return engine.read(statement, parameters)
      },
    })
    const credentials = { username: newUsername(), password: PASSWORD }
    await auth.register(credentials)

    const queue = createQueue(1, -1)
    const hasher = createPasswordHasher({ cost: 4, pepper: '', queue })
    const full = createService({ ...tools, hasher })
    await full.login(credentials)
    const { promise, resolve } = Promise.withResolvers<void>()
    const held = queue.run(() => promise)
    asked = 0
    await t.throwsAsync(full.login(credentials), {
      instanceOf: AuthError,
      code: 'service_unavailable',
    })
    t.is(asked, 0)
    resolve()
    await held
    await full.login(credentials)
    t.true(asked > 0)
  })
})

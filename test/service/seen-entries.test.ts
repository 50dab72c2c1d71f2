import { setTimeout as delay } from 'node:timers/promises'
import { createRemembering } from '../../src/service/remembering.ts'
import { createService } from '../../src/service/service.ts'
import { registerOnEngines } from '../support/suites.ts'
import { createTestService, newUsername, PASSWORD } from '../support/world.ts'

const blacklisted = { code: 'token_is_blacklisted' }

registerOnEngines((test, opened) => {
  /** A service whose memory is trusted, and does not read the feed again while the test runs. */
  async function hardOfHearing() {
    const other = createTestService(opened().engine)
    const remembering = createRemembering(opened().store, {
      pollMs: 60_000,
      maxStalenessMs: 60_000,
      mostEntries: 1_000_000,
      mostChecked: 1_000,
      mostKnown: 1_000,
      monotonic: () => performance.now(),
      onFailure: () => undefined,
    })
    remembering.follower.start()
    opened.beforeClose(() => remembering.follower.stop())
    while (!remembering.follower.isTrusted()) await delay(5)
    const { store, paths } = remembering
    const auth = createService({ ...other.tools, store, paths })
    const user = { username: newUsername(), password: PASSWORD }
    await other.auth.register(user)
    const { text } = await other.auth.login(user)
    await auth.verify(text)
    return { auth, other: other.auth, text, user }
  }

  test('a refusal by the graph to end a token is the end of it in memory, too', async (t) => {
    const { auth, other, text } = await hardOfHearing()
    await other.blacklist(text, 'session')
    await t.throwsAsync(auth.blacklist(text, 'session'), blacklisted)
    await t.throwsAsync(auth.verify(text), blacklisted)
  })

  test('what the graph shows with one token of a session counts for the others', async (t) => {
    const { auth, other, text } = await hardOfHearing()
    const next = await other.refresh(text)
    await other.blacklist(text, 'session')
    // Never seen here before, so that the graph is asked.
    await t.throwsAsync(auth.verify(next.text), blacklisted)
    await t.throwsAsync(auth.verify(text), blacklisted)
  })

  test('a refresh that the graph refuses is the end of the token in memory, too', async (t) => {
    const { auth, other, text } = await hardOfHearing()
    await other.blacklist(text, 'token')
    await t.throwsAsync(auth.refresh(text), blacklisted)
    await t.throwsAsync(auth.verify(text), blacklisted)
  })
})

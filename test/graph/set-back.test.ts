import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { FAKETIME, hasFaketime } from '../../survive/faketime.ts'
import { bearer, json } from '../support/http-client.ts'
import { startService, temporaryFolder } from '../support/service-process.ts'

const user = { username: 'ada', password: 'correct horse battery' }

/** How long libfaketime may go by the clock that it has read, in ms. */
const HELD_MS = 2_500

const timed = hasFaketime ? test : test.skip

timed(
  'a clock set back by two hours brings nothing back, before a restart and after',
  async (t) => {
    const folder = await temporaryFolder(t)
    const clock = join(folder, 'clock')
    await writeFile(clock, '+0\n')
    const settings = {
      DATA_DIR: join(folder, 'data'),
      REFRESH_GRACE_SECONDS: '1',
      PRUNE_SCHEDULE: '* * * * * *',
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
    let service = await startService(t, settings)
    await service.request('POST', '/auth/user', json(user))
    const logIn = async () =>
      String((await service.request('POST', '/auth', json(user))).json.token)
    const state = async (token: string) => {
      const { status, json } = await service.request('GET', '/auth', bearer(token))
      return status === 200 ? 'valid' : json.message
    }
    const refreshed = await logIn()
    const next = String((await service.request('PATCH', '/auth', bearer(refreshed))).json.token)
    const ended = await logIn()
    await service.request('DELETE', '/auth', bearer(ended))
    await delay(1_100)
    t.is(await state(refreshed), 'Token is blacklisted')

    await writeFile(clock, '-2h\n')
    await delay(HELD_MS)
    const restart = async () => {
      service.signal('SIGTERM')
      await service.exited
      service = await startService(t, settings)
    }
    for (const begin of [async () => undefined, restart]) {
      await begin()
      t.is(await state(refreshed), 'Token is blacklisted')
      t.is(await state(ended), 'Token is blacklisted')
      t.is(await state(next), 'valid')
      t.is(await state(await logIn()), 'valid')
    }

    // A clock that was wrong for a moment leaves a service that works.
    await writeFile(clock, '+2h\n')
    await delay(HELD_MS)
    t.is(await state(next), 'Token is expired')
    await writeFile(clock, '+0\n')
    await delay(HELD_MS)
    t.is(await state(await logIn()), 'valid')
  },
)

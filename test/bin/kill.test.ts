import { randomUUID } from 'node:crypto'
import test from 'ava'
import { type Answer, bearer, json, type Sending } from '../support/http-client.ts'
import { graphs, type Service, startService } from '../support/service-process.ts'

const password = 'correct horse battery'
const CLIENTS = 8
/** How many acknowledgements each service gives before it is killed. */
const rounds = [20, 60, 150, 300]

/** What the service has answered with Success, and so must still hold. */
interface Acknowledged {
  users: Set<string>
  live: Set<string>
  blacklisted: Set<string>
  /** By the token that was refreshed. */
  successors: Map<string, string>
}

class NotAcknowledged extends Error {}

/** Clients that register, log in, refresh and blacklist until the service is killed amid it. */
async function workUntilKilled(service: Service, known: Acknowledged, after: number) {
  let acknowledgements = 0
  let killed = false

  async function ask(method: string, path: string, sending: Sending): Promise<string> {
    const answer = await service.request(method, path, sending)
    if (answer.status === 503) throw new NotAcknowledged()
    if (answer.status > 201) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    acknowledgements += 1
    if (acknowledgements === after) {
      killed = true
      service.signal('SIGKILL')
    }
    return String(answer.json.token)
  }

  async function live(): Promise<void> {
    const username = `kill-${randomUUID()}`
    const credentials = json({ username, password })
    await ask('POST', '/auth/user', credentials)
    known.users.add(username)
    known.live.add(await ask('POST', '/auth', credentials))

    const refreshed = await ask('POST', '/auth', credentials)
    const successor = await ask('PATCH', '/auth', bearer(refreshed))
    known.live.add(refreshed).add(successor)
    known.successors.set(refreshed, successor)

    const old = await ask('POST', '/auth', credentials)
    const next = await ask('PATCH', '/auth', bearer(old))
    await ask('DELETE', '/auth', bearer(next))
    known.blacklisted.add(old).add(next)

    const single = await ask('POST', '/auth', credentials)
    await ask('DELETE', '/auth?scope=token', bearer(single))
    known.blacklisted.add(single)
  }

  async function work(): Promise<void> {
    while (!killed) {
      try {
        await live()
      } catch (error) {
        if (!killed && !(error instanceof NotAcknowledged)) throw error
      }
    }
  }

  await Promise.all(Array.from({ length: CLIENTS }, work))
}

/** What the service has lost, or rather answers otherwise, a line each. */
async function lostBy(service: Service, known: Acknowledged): Promise<string[]> {
  const lost: string[] = []
  function expect(
    { status, text, json }: Answer,
    wanted: { status: number; message?: string; token?: string },
    what: string,
  ): void {
    const { message = json.message, token = json.token } = wanted
    if (status === wanted.status && json.message === message && json.token === token) return
    lost.push(`${what}: ${status} ${text}`)
  }

  await each(known.users, async (username) => {
    const answer = await service.request('POST', '/auth', json({ username, password }))
    expect(answer, { status: 200 }, `user ${username}`)
  })
  await each(known.live, async (token) => {
    expect(await service.request('GET', '/auth', bearer(token)), { status: 200 }, 'live token')
  })
  await each(known.blacklisted, async (token) => {
    const answer = await service.request('GET', '/auth', bearer(token))
    expect(answer, { status: 401, message: 'Token is blacklisted' }, 'blacklisted token')
  })
  await each(known.successors, async ([old, token]) => {
    const answer = await service.request('PATCH', '/auth', bearer(old))
    expect(answer, { status: 200, token }, 'successor')
  })
  return lost
}

/** A few at once: they share what is left of the list. */
async function each<T>(list: Iterable<T>, check: (item: T) => Promise<void>): Promise<void> {
  const left = Iterator.from(list)
  async function work(): Promise<void> {
    for (const item of left) await check(item)
  }
  await Promise.all(Array.from({ length: CLIENTS }, work))
}

for (const { name, env } of graphs) {
  test.serial(`kill -9 loses nothing that was acknowledged, on ${name}`, async (t) => {
    const settings = { ...env, REFRESH_GRACE_SECONDS: '3600' }
    const known: Acknowledged = {
      users: new Set(),
      live: new Set(),
      blacklisted: new Set(),
      successors: new Map(),
    }
    let service = await startService(t, settings)
    await service.ready()
    for (const acknowledgements of rounds) {
      await workUntilKilled(service, known, acknowledgements)
      t.is((await service.exited).signal, 'SIGKILL')
      service = await startService(t, { ...settings, DATA_DIR: service.dataDir })
      await service.ready()
      t.deepEqual(await lostBy(service, known), [])
    }
    const { users, live, blacklisted, successors } = known
    t.true(Math.min(users.size, live.size, blacklisted.size, successors.size) > 20)
  })
}

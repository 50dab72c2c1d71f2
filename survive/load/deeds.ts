import type { Recorder } from '../history.ts'
import type { Deed, Plan } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Agenda } from './agenda.ts'
import type { Client } from './client.ts'
import type { HeldSession, HeldToken, HeldUser, Holdings } from './holdings.ts'
import type { Check } from './load.ts'
import type { Operations } from './operations.ts'

/** What a worker does, by name; and a look at a token for those who check. */
export type Deeds = Record<Deed, () => Promise<void>> & {
  look(client: Client, token: HeldToken): Promise<void>
}

interface Parts {
  plan: Pick<Plan, 'stalenessMs' | 'graceMs'>
  clients: Client[]
  holdings: Holdings
  agenda: Agenda<Check>
  operations: Operations
  random: Random
  recorder: Pick<Recorder, 'now'>
}

const RACERS = 6
/** When what has ended is looked at, in ms past the time by which every replica must know. */
const LOOKS_MS = [5, 700, 4_000, 12_000]
const MOST_TOKENS = 4

export function createDeeds(parts: Parts): Deeds {
  const { plan, clients, holdings, agenda, operations, random, recorder } = parts

  /** One that another worker may be using, too; undefined while there is none. */
  function anyToken(): HeldToken | undefined {
    const session = holdings.session(recorder.now())
    return session && holdings.token(session)
  }

  function watch(session: HeldSession, ms = plan.stalenessMs): void {
    const tokens = session.tokens.slice(-MOST_TOKENS)
    for (const look of LOOKS_MS) agenda.add(recorder.now() + ms + look, { tokens })
  }

  async function look(client: Client, token: HeldToken): Promise<void> {
    await operations.verify(client, token, random.chance(0.05))
  }

  /** Every client in turn, from a drawn one on. */
  function racers<T>(count: number, act: (client: Client, place: number) => Promise<T>) {
    const first = random.between(0, clients.length - 1)
    const places = Array.from({ length: count }, (_, place) => place)
    return Promise.all(
      places.map((place) => act(clients[(first + place) % clients.length] as Client, place)),
    )
  }

  async function seenByAll(session: HeldSession): Promise<void> {
    holdings.addSession(session)
    const [first] = session.tokens
    // Remembered by every replica, so that each must learn of its end.
    if (first && random.chance(0.7)) await racers(clients.length, (client) => look(client, first))
  }

  async function openAs(user: HeldUser, password = user.password): Promise<void> {
    const session = await operations.login(random.pick(clients), user, password)
    if (session) await seenByAll(session)
  }

  async function change(user: HeldUser, meanwhile?: () => Promise<void>): Promise<void> {
    if (user.isChanging) return
    user.isChanging = true
    const password = user.passwords
    user.passwords += 1
    const changing = operations.change(random.pick(clients), user, password)
    const [{ status }] = await Promise.all([changing, meanwhile?.()])
    if (status === null || status === 503) return
    if (status < 300) user.password = password
    user.isChanging = false
  }

  return {
    look,

    async verify() {
      const token = anyToken()
      if (token) await look(random.pick(clients), token)
    },

    async refresh() {
      const token = anyToken()
      if (!token) return
      await operations.refresh(random.pick(clients), token)
      if (random.chance(0.4)) watch(token.session, plan.graceMs + plan.stalenessMs)
    },

    async login() {
      const user = holdings.user()
      if (user && !user.isChanging) await openAs(user)
    },

    async end() {
      const token = anyToken()
      if (!token) return
      const scope = random.chance(0.75) ? 'session' : 'token'
      await operations.end(random.pick(clients), token, scope)
      watch(token.session)
    },

    async register() {
      const user = holdings.newUser()
      const { status } = await operations.register(random.pick(clients), user, 0)
      if (status !== 201) return
      holdings.addUser(user)
      await openAs(user)
    },

    async change() {
      const user = holdings.user()
      const session = user && (await operations.login(random.pick(clients), user))
      if (!user || !session) return
      await seenByAll(session)
      await change(user)
      watch(session)
    },

    async 'race-refresh'() {
      const token = anyToken()
      if (!token) return
      const made = await racers(RACERS, (client) => operations.refresh(client, token))
      if (made.some((next) => next)) watch(token.session, plan.graceMs + plan.stalenessMs)
    },

    async 'race-register'() {
      const user = holdings.newUser()
      const answers = await racers(RACERS, async (client, place) => {
        const { status } = await operations.register(client, user, place)
        return status === 201 ? place : undefined
      })
      const winner = answers.find((place) => place !== undefined)
      if (winner === undefined) return
      user.password = winner
      user.passwords = RACERS
      holdings.addUser(user)
      await openAs(user)
    },

    async 'race-end'() {
      const token = anyToken()
      if (!token) return
      await racers(2, async (client, place) => {
        if (place === 0) await operations.refresh(client, token)
        else await operations.end(client, token, 'session')
      })
      watch(token.session)
    },

    async 'race-change'() {
      const user = holdings.user()
      if (!user || user.isChanging) return
      const old = user.password
      const opened: HeldSession[] = []
      await change(user, async () => {
        const sessions = await racers(RACERS, (client) => operations.login(client, user, old))
        for (const session of sessions) if (session) opened.push(session)
      })
      for (const session of opened) {
        await seenByAll(session)
        watch(session)
      }
    },
  }
}

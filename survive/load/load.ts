import { setTimeout as delay } from 'node:timers/promises'
import type { Recorder } from '../history.ts'
import type { Plan } from '../plan.ts'
import type { Random } from '../random.ts'
import { createAgenda } from './agenda.ts'
import type { Client } from './client.ts'
import { createDeeds, type Deeds } from './deeds.ts'
import { createHoldings, type HeldToken } from './holdings.ts'
import { createOperations } from './operations.ts'

export interface Load {
  /** Resolves when no request is under way any more. */
  stop(): Promise<void>
}

/** Tokens that are looked at again once all replicas must have learnt of something. */
export interface Check {
  tokens: HeldToken[]
}

interface LoadOptions {
  plan: Plan
  clients: Client[]
  recorder: Recorder
  random: Random
}

/** Once the time of a check has come, so many of them a worker does in a row before it goes on. */
const CHECKS_IN_A_ROW = 3

/** Lets the plan's workers act on the replicas, each by its own numbers, all on the same holdings. */
export function startLoad({ plan, clients, recorder, random }: LoadOptions): Load {
  const sessionMs = (plan.tokenSeconds + 10) * 1000
  const holdings = createHoldings(plan.name, sessionMs, random.fork('holdings'))
  const agenda = createAgenda<Check>()
  let isStopped = false

  async function work(worker: number): Promise<void> {
    const own = random.fork(`worker ${worker}`)
    const operations = createOperations({ recorder, worker, random: own })
    const deeds = createDeeds({
      plan,
      clients,
      holdings,
      agenda,
      operations,
      random: own,
      recorder,
    })
    while (!isStopped) {
      for (let i = 0; i < CHECKS_IN_A_ROW; i += 1) {
        const check = agenda.take(recorder.now())
        if (!check) break
        await lookAgain(check, deeds)
      }
      await deeds[own.weighted(plan.mix)]()
      await delay(own.next() * 2 * plan.paceMs)
    }
  }

  async function lookAgain({ tokens }: Check, deeds: Deeds): Promise<void> {
    await Promise.all(clients.flatMap((client) => tokens.map((token) => deeds.look(client, token))))
  }

  const working = Array.from({ length: plan.workers }, (_, i) => work(i + 1))
  return {
    async stop() {
      isStopped = true
      await Promise.all(working)
    },
  }
}

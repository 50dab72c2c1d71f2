import { setTimeout as delay } from 'node:timers/promises'
import type { Recorder } from '../history.ts'
import type { Plan } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Replica } from '../replica.ts'
import type { Client } from './client.ts'
import type { HeldUser } from './holdings.ts'
import { createOperations } from './operations.ts'

const AT_ONCE = 60
/** A password that was never set. */
const WRONG = 1_000_000

/** Log-ins far beyond what can be hashed, right and wrong ones, of users whom nobody else uses. */
export function floodWith(
  plan: Pick<Plan, 'name'>,
  clients: Client[],
  recorder: Recorder,
  random: Random,
): (replica: Replica, ms: number) => Promise<void> {
  const operations = createOperations({ recorder, worker: 0, random })
  let floods = 0

  return async function flood({ name }, ms) {
    const client = clients.find(({ replica }) => replica === name)
    if (!client) return
    floods += 1
    const users = Array.from({ length: AT_ONCE }, (_, i): HeldUser => {
      return {
        name: `${plan.name}-flood${floods}-${i}`,
        password: 0,
        passwords: 1,
        isChanging: false,
      }
    })
    const till = recorder.now() + ms
    await Promise.all(
      users.map(async (user) => {
        await operations.register(client, user, 0)
        while (recorder.now() < till) {
          await operations.login(client, user, random.chance(0.5) ? 0 : WRONG)
          // A replica that is gone refuses at once: that is no load.
          await delay(5)
        }
      }),
    )
  }
}

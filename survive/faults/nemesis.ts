import { setTimeout as delay } from 'node:timers/promises'
import type { Recorder } from '../history.ts'
import type { FaultName, Plan } from '../plan.ts'
import type { Random } from '../random.ts'
import { kinds, type Victims } from './kinds.ts'

export interface Nemesis {
  /** Resolves when the fault that is under way is over. */
  stop(): Promise<void>
}

interface NemesisOptions {
  plan: Pick<Plan, 'faults' | 'gapSeconds' | 'longestSeconds'>
  victims: Victims
  random: Random
  recorder: Recorder
  onFault(name: FaultName): void
}

/** Faults that cannot be made here, each with the reason. */
export function impossible(victims: Victims): Partial<Record<FaultName, string>> {
  return {
    ...(!victims.hasClocks && { clock: 'libfaketime is not installed' }),
    ...(!victims.graph && !victims.disk && { disk: 'a tmpfs cannot be mounted here' }),
  }
}

/**
 * Lets one fault after the other happen. Every kind comes once, in a drawn order, before any comes
 * again, so that a short run has as many kinds as fit.
 */
export function startNemesis(options: NemesisOptions): Nemesis {
  const { plan, victims, random, recorder } = options
  const left = impossible(victims)
  const possible = plan.faults.filter((name) => left[name] === undefined)
  const stopping = new AbortController()
  const [least, most] = plan.gapSeconds

  async function rest(): Promise<void> {
    const ms = random.between(least * 1000, most * 1000)
    await delay(ms, undefined, { signal: stopping.signal }).catch(() => undefined)
  }

  async function haunt(): Promise<void> {
    let coming: FaultName[] = []
    await rest()
    while (possible.length > 0 && !stopping.signal.aborted) {
      if (coming.length === 0) coming = shuffled(possible, random)
      const fault = coming.pop() as FaultName
      options.onFault(fault)
      const ms = random.between(1_000, plan.longestSeconds * 1000)
      const happened = await kinds[fault]({ victims, random, recorder, ms })
      recorder.write({ kind: 'fault', fault, ...happened })
      await rest()
    }
  }

  const haunting = haunt()
  return {
    async stop() {
      stopping.abort()
      await haunting
    },
  }
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map((item) => ({ item, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

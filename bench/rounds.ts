import type { Bench, Server } from './bench.ts'
import type { Loaded } from './load/load.ts'
import { type Spread, spreadOf } from './spread.ts'

/** One of several that are measured in turn. */
export interface Entrant {
  name: string
  measure(round: number): Promise<number>
}

/** Measures each in turn, round after round (A B A B ...), and gives their spreads by name. */
export async function interleave(
  { plan, say }: Bench,
  part: string,
  entrants: Entrant[],
  rounds: number = plan.rounds,
): Promise<Map<string, Spread>> {
  const measured = new Map(entrants.map(({ name }): [string, number[]] => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, measure } of entrants) {
      say(`${part}, round ${round + 1} of ${rounds}: ${name}`)
      measured.get(name)?.push(await measure(round))
    }
  }
  return new Map([...measured].map(([name, values]) => [name, spreadOf(values)]))
}

/** Requests a second of each server on the same tokens; a warm-up before each round. */
export async function loadInTurn(
  bench: Bench,
  part: string,
  servers: [string, Server][],
  tokens: string,
): Promise<{ rates: Map<string, Spread>; notes: string[] }> {
  const { load, plan } = bench
  const found = new Map<string, Loaded[]>()
  const rates = await interleave(
    bench,
    part,
    servers.map(([name, { url, key }]) => ({
      name,
      async measure() {
        await load.run(url, tokens, plan.warmUpSeconds, key)
        const loaded = await load.run(url, tokens, plan.seconds, key)
        if (loaded.bad + loaded.failed > 0 || loaded.requests === 0) {
          throw new Error(`${name}: ${loaded.bad} answers were no 2xx, ${loaded.failed} failed`)
        }
        found.set(name, [...(found.get(name) ?? []), loaded])
        return loaded.requests / loaded.seconds
      },
    })),
  )
  const notes = [...found].map(([name, rounds]) => {
    const p50 = spreadOf(rounds.map((round) => round.p50)).median
    const p99 = spreadOf(rounds.map((round) => round.p99)).median
    return `${name}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, no errors`
  })
  return { rates, notes }
}

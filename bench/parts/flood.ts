import type { Bench, Server } from '../bench.ts'
import { answered } from '../load/drive.ts'
import type { Driven } from '../load/job.ts'
import { CONNECTIONS } from '../load/load.ts'
import { atMost, type Findings } from '../part.ts'
import { interleave } from '../rounds.ts'
import { ratioOf, type Spread, spreadOf } from '../spread.ts'
import { LOGIN_COST, loginRate, registered } from './login.ts'
import { warmOnNeo4j } from './verify.ts'

const CALM = 'without log-ins'
const FLOODED = 'under the flood'
const TIMES = 5

/** GET /auth at a steady rate while five times as many log-ins come as can be done. */
export async function flood(bench: Bench): Promise<Findings> {
  const { floodSeconds: seconds, loginSeconds } = bench.plan
  const { server, tokens } = await warmOnNeo4j(bench, { BCRYPT_COST: String(LOGIN_COST) })
  const logins = await registered(bench, server)
  const capacity = await loginRate(bench, server, logins, loginSeconds)
  const rate = TIMES * capacity

  const shares: number[] = []
  const refusals: number[] = []
  const done: string[] = []
  const p99s = await interleave(bench, 'verify under log-ins', [
    {
      name: CALM,
      measure: async () =>
        (await pacedVerify(bench, server, tokens, seconds)).byStatus[200]?.p99 ?? 0,
    },
    {
      name: FLOODED,
      async measure() {
        const job = { url: server.url, lines: logins, count: 8, loop: true, rate } as const
        // The flood begins first and ends last, so that all of the verifying is under it.
        const flooding = bench.drive({
          ...job,
          method: 'POST',
          as: 'body',
          connections: Math.min(1_000, Math.ceil(4 * rate)),
          seconds: seconds + 1,
        })
        const [verified, flooded] = await Promise.all([
          pacedVerify(bench, server, tokens, seconds),
          flooding,
        ])
        shares.push(share(verified))
        refusals.push(longestRefusal(flooded))
        done.push(`${answered(flooded, 200)} log-ins of ${flooded.requests}`)
        return verified.byStatus[200]?.p99 ?? 0
      },
    },
  ])
  const [calm, flooded] = [p99s.get(CALM) as Spread, p99s.get(FLOODED) as Spread]
  const ratio = ratioOf(flooded, calm)
  const answeredShare = spreadOf(shares)
  const refused = spreadOf(refusals)
  return {
    figures: [
      {
        name: 'verify under 5 times too many log-ins, p99',
        unit: 'ms',
        ours: flooded,
        against: { name: CALM, spread: calm },
        ratio,
        target: atMost(3, ratio),
      },
      {
        name: 'verify under 5 times too many log-ins, answered',
        unit: '%',
        ours: answeredShare,
        target: { text: 'at least 99.9 %', reached: answeredShare.min >= 99.9 },
      },
      {
        name: 'log-ins in excess, longest wait for the refusal',
        unit: 'ms',
        ours: refused,
        target: { text: 'at most 1000 ms', reached: refused.max <= 1000 },
      },
    ],
    charts: [
      {
        title: 'GET /auth under 5 times too many log-ins: p99',
        unit: 'ms',
        bars: [
          { name: CALM, spread: calm, own: true },
          { name: FLOODED, spread: flooded, own: true },
        ],
      },
    ],
    notes: [
      `${bench.plan.pace} verifies a second; ${capacity.toFixed(1)} log-ins a second can be done (cost ${LOGIN_COST}), ${rate.toFixed(0)} come.`,
      `Done, a round each: ${done.join('; ')}.`,
    ],
  }
}

/** GET /auth at the plan's rate on known tokens. */
export async function pacedVerify(
  bench: Bench,
  { url }: Server,
  lines: string,
  seconds: number,
): Promise<Driven> {
  const { pace: rate, warmTokens: count } = bench.plan
  const job = { url, lines, count, loop: true, rate, seconds, connections: CONNECTIONS }
  return bench.drive(job)
}

function share(driven: Driven): number {
  return (100 * answered(driven, 200)) / (driven.requests + driven.failed)
}

function longestRefusal({ byStatus }: Driven): number {
  const others = Object.entries(byStatus).filter(([status]) => status !== '200')
  return Math.max(0, ...others.map(([, { max }]) => max))
}

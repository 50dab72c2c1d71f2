import { join } from 'node:path'
import type { Bench, Server } from '../bench.ts'
import { requireAll } from '../load/drive.ts'
import { mint } from '../mint.ts'
import { atLeast, type Findings } from '../part.ts'
import { interleave } from '../rounds.ts'
import { ratioOf, type Spread } from '../spread.ts'
import { warmTokensOn } from './verify.ts'

const OURS = 'sessiongraph'
const READ = 'one graph read a request'
const IN_FLIGHT = 64

/** GET /auth with tokens that the process has never seen, against one read a request. */
export async function firstSight(bench: Bench): Promise<Findings> {
  const { firstSights: count, seconds, warmUpSeconds } = bench.plan
  const graph = await bench.graph()
  const fresh = join(bench.folder, 'fresh-tokens')
  bench.say(`writes ${count} sessions`)
  await mint(graph.engine, { sessions: count, users: count / 10, tokens: fresh })
  const reader = await bench.baseline('one-read', graph.env)
  const others = await warmTokensOn(bench)

  async function pass({ url }: Server, lines: string, most: number, limit: number) {
    const job = { url, lines, count: most, connections: IN_FLIGHT, seconds: limit }
    const driven = await bench.drive(job)
    requireAll(driven, 200, 'first sight')
    return driven
  }
  const latencies: string[] = []
  const rates = await interleave(bench, 'first sight', [
    {
      name: OURS,
      async measure() {
        const service = await bench.service(graph.env)
        await pass(service, others, bench.plan.warmTokens, warmUpSeconds)
        const { requests, seconds: took, byStatus } = await pass(service, fresh, count, 20)
        latencies.push(
          `${requests} in ${took.toFixed(1)} s, p99 ${byStatus[200]?.p99.toFixed(1)} ms`,
        )
        await service.stop()
        return requests / took
      },
    },
    {
      name: READ,
      async measure() {
        await pass(reader, others, bench.plan.warmTokens, warmUpSeconds)
        const { requests, seconds: took } = await pass(reader, fresh, count, 2 * seconds)
        return requests / took
      },
    },
  ])
  const [ours, spread] = [rates.get(OURS) as Spread, rates.get(READ) as Spread]
  const ratio = ratioOf(ours, spread)
  const name = 'verify, first sight, on Neo4j'
  const against = { name: READ, spread }
  const figure = { name, unit: 'a second', ours, against, ratio, target: atLeast(5, ratio) }
  const bars = [...rates].map(([bar, of]) => ({ name: bar, spread: of, own: bar === OURS }))
  return {
    figures: [figure],
    charts: [{ title: 'GET /auth at first sight: requests a second', unit: 'a second', bars }],
    notes: [
      `${IN_FLIGHT} in flight; each round a new process, warmed up with other tokens.`,
      `sessiongraph, a line a round: ${latencies.join('; ')}`,
    ],
  }
}

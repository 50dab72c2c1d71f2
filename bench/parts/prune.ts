import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createStore } from '../../src/graph/store.ts'
import type { Bench, Server } from '../bench.ts'
import type { Graph } from '../graph.ts'
import { requireAll } from '../load/drive.ts'
import { mint } from '../mint.ts'
import { atMost, type Findings } from '../part.ts'
import { ratioOf, type Spread, spreadOf } from '../spread.ts'
import { pacedVerify } from './flood.ts'
import { warmOnNeo4j, warmTokensOn } from './verify.ts'

const CHUNK_SECONDS = 3
const LEAST = 2_000
const MOST_SECONDS = 180
const EXPIRED_FOR_MS = 3_600_000

/** The service prunes by its schedule while it goes on verifying. */
export async function prune(bench: Bench): Promise<Findings> {
  const { expired, floodSeconds } = bench.plan
  const graph = await bench.graph()
  const lot = { sessions: expired, users: expired / 10 }
  bench.say(`writes ${expired} live and ${expired} expired sessions`)
  await mint(graph.engine, { ...lot, tokens: join(bench.folder, 'live') })
  await warmTokensOn(bench)
  const before = await stored(graph)
  const dead = { ...lot, tokens: join(bench.folder, 'dead'), expiredFor: EXPIRED_FOR_MS }
  await mint(graph.engine, dead)

  // The service starts a prune every 2 s, and finds that somebody else has the lease.
  const { pruning } = createStore(graph.engine)
  if (!(await pruning.lease('prune', 'bench', 600_000))) throw new Error('somebody else prunes')
  const { server, tokens } = await warmOnNeo4j(bench, { PRUNE_SCHEDULE: '*/2 * * * * *' })
  bench.say('verifies before the prune')
  const calm: number[] = []
  while (calm.length === 0 || calm.length < floodSeconds / CHUNK_SECONDS) {
    calm.push(await chunk(bench, server, tokens))
  }
  await pruning.release('prune', 'bench')

  const total = before + 2 * expired
  const { busy, seconds, left } = await whilePruning(bench, graph, server, tokens, total, before)
  const removed = (total - left) / 2
  const rate = spreadOf([removed / seconds])
  const [calmP99, busyP99] = [spreadOf(calm), spreadOf(busy)]
  // Chunk by chunk there are no pairs here: each while pruning is set against the median without.
  const ratio = ratioOf(busyP99, spreadOf(busy.map(() => calmP99.median)))
  return findings(rate, calmP99, busyP99, ratio, [
    `${expired.toLocaleString('en')} expired sessions with a token each among as many live ones; ${bench.plan.pace} verifies a second at the process that prunes (every 2 s, until all is done), p99 of ${CHUNK_SECONDS} s each.`,
    ...(left > before
      ? [`Not ended after ${MOST_SECONDS} s: ${left - before} nodes were left.`]
      : []),
  ])
}

async function whilePruning(
  bench: Bench,
  graph: Graph,
  server: Server,
  tokens: string,
  total: number,
  before: number,
): Promise<{ busy: number[]; seconds: number; left: number }> {
  const patience = performance.now() + 30_000
  while ((await stored(graph)) === total) {
    if (performance.now() > patience) throw new Error('the schedule did not start a prune')
    await delay(20)
  }
  bench.say('verifies while it prunes')
  const begun = performance.now()
  let ended: number | undefined
  const watching = (async () => {
    for (;;) {
      const left = await stored(graph)
      if (left <= before || performance.now() - begun > MOST_SECONDS * 1000) {
        ended = performance.now()
        return left
      }
      await delay(100)
    }
  })()
  const busy: number[] = []
  while (ended === undefined) {
    const p99 = await chunk(bench, server, tokens)
    // The last one is only in part under the prune, but better than none.
    if (ended === undefined || busy.length === 0) busy.push(p99)
  }
  const left = await watching
  return { busy, seconds: (ended - begun) / 1000, left }
}

async function chunk(bench: Bench, server: Server, tokens: string): Promise<number> {
  const driven = await pacedVerify(bench, server, tokens, CHUNK_SECONDS)
  requireAll(driven, 200, 'verify')
  return driven.byStatus[200]?.p99 ?? 0
}

/** Sessions and tokens together, from the counts that Neo4j keeps. */
async function stored({ engine }: Graph): Promise<number> {
  const [sessions] = await engine.read('MATCH (session:Session) RETURN count(session) AS n')
  const [tokens] = await engine.read('MATCH (token:Token) RETURN count(token) AS n')
  return (sessions?.n as number) + (tokens?.n as number)
}

function findings(
  rate: Spread,
  calm: Spread,
  busy: Spread,
  ratio: Spread,
  notes: string[],
): Findings {
  const target = { text: `at least ${LEAST}`, reached: rate.median >= LEAST }
  const name = 'verify while pruning, p99'
  const against = { name: 'before', spread: calm }
  const bars = [
    { name: 'before', spread: calm, own: true },
    { name: 'while pruning', spread: busy, own: true },
  ]
  return {
    figures: [
      { name: 'prune: sessions with their token', unit: 'a second', ours: rate, target },
      { name, unit: 'ms', ours: busy, against, ratio, target: atMost(2, ratio) },
    ],
    charts: [{ title: 'GET /auth while the same process prunes: p99', unit: 'ms', bars }],
    notes,
  }
}

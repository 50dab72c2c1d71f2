import { join } from 'node:path'
import type { Bench, Server } from '../bench.ts'
import type { Graph } from '../graph.ts'
import { requireAll } from '../load/drive.ts'
import { mint } from '../mint.ts'
import { atLeast, type Findings } from '../part.ts'
import { interleave } from '../rounds.ts'
import { ratioOf, type Spread } from '../spread.ts'

const OURS = 'sessiongraph'
const SINGLE = 'one transaction a refresh'

/** PATCH /auth, each making a successor and a feed entry, against the same statement a refresh. */
export async function refresh(bench: Bench): Promise<Findings> {
  const graph = await bench.graph()
  const service = await bench.service(graph.env)
  const single = await bench.baseline('one-refresh', graph.env)
  const entrants = await Promise.all(
    [service, single].map(async (server, i) => {
      const lines = join(bench.folder, `refresh-${i}`)
      const sessions = bench.plan.refreshChains
      await mint(graph.engine, { sessions, users: sessions / 10, tokens: lines })
      return {
        name: i === 0 ? OURS : SINGLE,
        measure: () => refreshRate(bench, graph, server, lines, sessions),
      }
    }),
  )
  const rates = await interleave(bench, 'refresh', entrants)
  const [ours, spread] = [rates.get(OURS) as Spread, rates.get(SINGLE) as Spread]
  const ratio = ratioOf(ours, spread)
  const against = { name: SINGLE, spread }
  const figure = { name: 'refresh, on Neo4j', unit: 'a second', ours, against, ratio }
  const bars = [...rates].map(([name, of]) => ({ name, spread: of, own: name === OURS }))
  return {
    figures: [{ ...figure, target: atLeast(5, ratio) }],
    charts: [{ title: 'PATCH /auth: refreshes a second', unit: 'a second', bars }],
    notes: [
      `64 in flight over ${bench.plan.refreshChains} sessions, each token refreshed once and its successor next.`,
      'The other server runs the same statement with one row, and does the same else, over bare node:http.',
    ],
  }
}

/** Refreshes a second; throws unless each wrote its entry. */
export async function refreshRate(
  bench: Bench,
  graph: Graph,
  { url }: Server,
  lines: string,
  count: number,
): Promise<number> {
  const job = {
    url,
    lines,
    count,
    method: 'PATCH',
    connections: 64,
    loop: true,
    chain: true,
  } as const
  // A cold Neo4j may be too late for its first statements: a warm-up is no round.
  await bench.drive({ ...job, seconds: bench.plan.warmUpSeconds })
  const before = await feedSeq(graph)
  const driven = await bench.drive({ ...job, seconds: bench.plan.seconds })
  requireAll(driven, 200, 'refresh')
  const written = (await feedSeq(graph)) - before
  if (written < driven.requests)
    throw new Error(`${written} entries of ${driven.requests} refreshes`)
  return driven.requests / driven.seconds
}

async function feedSeq({ engine }: Graph): Promise<number> {
  const [row] = await engine.read(`MATCH (feed:Feed {name: 'blacklist'}) RETURN feed.seq AS seq`)
  return row?.seq as number
}

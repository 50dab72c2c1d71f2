import type { Bench, Server } from '../bench.ts'
import { requireAll } from '../load/drive.ts'
import { atLeast, type Chart, type Figure, type Findings } from '../part.ts'
import { interleave, loadInTurn } from '../rounds.ts'
import { ratioOf, type Spread } from '../spread.ts'
import { PICKED, type Stored, stored } from './many.ts'
import { refreshRate } from './refresh.ts'
import { seeAll } from './verify.ts'

type Side = { name: string; stored: Stored; server: Server }

/** Verify, refresh and log-in with many sessions in Neo4j, against the same with few. */
export async function growth(bench: Bench): Promise<Findings> {
  const sides: Side[] = []
  const both = [stored(bench, 'few'), stored(bench, 'many')]
  for (const there of await Promise.all(both)) {
    // With a long grace the tokens that are refreshed stay valid for the part on memory.
    const env = { ...there.graph.env, REFRESH_GRACE_SECONDS: '86400' }
    const server = await bench.service(env)
    await seeAll(bench, server, there.verifying, PICKED)
    const name = `${there.sessions.toLocaleString('en')} sessions`
    sides.push({ name, stored: there, server })
  }
  const [few, many] = sides as [Side, Side]

  const verified = await bothVerify(bench, sides)
  const refreshed = await inTurn(bench, 'growth: refresh', sides, (side) =>
    refreshRate(bench, side.stored.graph, side.server, side.stored.refreshing, PICKED),
  )
  const loggedIn = await inTurn(bench, 'growth: log-in', sides, (side) => loginRate(bench, side))

  const results: [string, Map<string, Spread>][] = [
    ['verify, warm', verified],
    ['refresh', refreshed],
    ['log-in, cost 4', loggedIn],
  ]
  const figures = results.map(([name, rates]): Figure => {
    const [ours, spread] = [rates.get(many.name) as Spread, rates.get(few.name) as Spread]
    const ratio = ratioOf(ours, spread)
    const against = { name: few.name, spread }
    const title = `${name} with ${many.name}`
    return { name: title, unit: 'a second', ours, against, ratio, target: atLeast(0.8, ratio) }
  })
  const charts = results.map(([name, rates]): Chart => {
    const bars = [...rates].map(([bar, spread]) => ({ name: bar, spread, own: bar === many.name }))
    return { title: `${name}: a second`, unit: 'a second', bars }
  })
  return {
    figures,
    charts,
    notes: [
      `A Neo4j each; ${bench.plan.manyUsers.toLocaleString('en')} users in the larger, ${bench.plan.fewSessions.toLocaleString('en')} in the smaller; ${PICKED} tokens and users from all over either.`,
      'What refresh and log-in add stays where it was added, so the smaller one grows by some thousands during the rounds.',
    ],
  }
}

// Each side has tokens of its own, so a load for each.
async function bothVerify(bench: Bench, sides: Side[]): Promise<Map<string, Spread>> {
  const files = new Map(sides.map(({ server, stored }) => [server.url, stored.verifying]))
  const { load } = bench
  const run: typeof load.run = (url, _, seconds) => load.run(url, files.get(url) ?? '', seconds)
  const ownTokens = { ...bench, load: { ...load, run } }
  const servers = sides.map(({ name, server }): [string, Server] => [name, server])
  return (await loadInTurn(ownTokens, 'growth: verify', servers, '')).rates
}

function inTurn(bench: Bench, part: string, sides: Side[], rate: (side: Side) => Promise<number>) {
  const entrants = sides.map((side) => ({ name: side.name, measure: () => rate(side) }))
  return interleave(bench, part, entrants)
}

async function loginRate(bench: Bench, { server, stored }: Side): Promise<number> {
  const job = { url: server.url, lines: stored.logins, count: PICKED, loop: true } as const
  const post = { ...job, method: 'POST', as: 'body', connections: 32 } as const
  await bench.drive({ ...post, seconds: bench.plan.warmUpSeconds })
  const driven = await bench.drive({ ...post, seconds: bench.plan.seconds })
  requireAll(driven, 200, 'log-in')
  return driven.requests / driven.seconds
}

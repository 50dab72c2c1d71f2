import type { Bench, Server } from '../bench.ts'
import type { Findings } from '../part.ts'
import { loadInTurn } from '../rounds.ts'
import { ratioOf, type Spread } from '../spread.ts'
import { seeAll, warmOnNeo4j } from './verify.ts'

const ONE = '1 process'
const TWO = '2 processes'

/** GET /auth with one process and with two that share the port. */
export async function workers(bench: Bench): Promise<Findings> {
  const { server: one, tokens } = await warmOnNeo4j(bench)
  const { server: two } = await warmOnNeo4j(bench, { WORKERS: '2' })
  // Each process has to see them for itself.
  await seeAll(bench, two, tokens, bench.plan.warmTokens)
  const servers: [string, Server][] = [
    [ONE, one],
    [TWO, two],
  ]
  const { rates, notes } = await loadInTurn(bench, 'workers', servers, tokens)
  const [ours, spread] = [rates.get(TWO) as Spread, rates.get(ONE) as Spread]
  const against = { name: ONE, spread }
  const ratio = ratioOf(ours, spread)
  const figure = { name: 'verify, warm, WORKERS=2', unit: 'a second', ours, against, ratio }
  const bars = [...rates].map(([name, of]) => ({ name, spread: of, own: true }))
  return {
    figures: [figure],
    charts: [{ title: 'GET /auth by processes: requests a second', unit: 'a second', bars }],
    notes: [
      ...notes,
      'Load, Neo4j and processes share the cores: with two of them, two processes gain little.',
    ],
  }
}

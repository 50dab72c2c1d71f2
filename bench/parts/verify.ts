import { join } from 'node:path'
import { openEmbedded } from '../../src/graph/embedded.ts'
import { prepareSchema } from '../../src/graph/schema.ts'
import { newId } from '../../src/id.ts'
import type { Bench, Server } from '../bench.ts'
import { MissingGraph } from '../graph.ts'
import { answered, requireAll } from '../load/drive.ts'
import { mint } from '../mint.ts'
import { atLeast, type Figure, type Findings } from '../part.ts'
import { loadInTurn } from '../rounds.ts'
import { ratioOf, type Spread } from '../spread.ts'

const OURS = 'sessiongraph, embedded graph'
const OURS_ON_NEO4J = 'sessiongraph, Neo4j'

/** GET /auth over live tokens that the process has seen, against servers that do less. */
export async function verify(bench: Bench): Promise<Findings> {
  const { warmTokens } = bench.plan
  const tokens = join(bench.folder, 'warm-tokens')
  const DATA_DIR = join(bench.folder, 'warm')
  await mintEmbedded(DATA_DIR, warmTokens, tokens)
  const service = await bench.service({ DATA_DIR })
  await seeAll(bench, service, tokens, warmTokens)

  const others: [string, string, number?][] = [
    ['bare node:http', 'bare-http', 0.8],
    ['bare Koa', 'bare-koa', 1.3],
    ['Koa + router + jsonwebtoken', 'koa-jwt'],
  ]
  const servers: [string, Server][] = [[OURS, service]]
  for (const [name, file] of others) servers.push([name, await bench.baseline(file)])
  const { rates, notes } = await loadInTurn(bench, 'verify', servers, tokens)
  await bench.endServers()

  const onNeo4j = await verifyOnNeo4j(bench)
  const ours = rates.get(OURS) as Spread
  const figures = others.map(([name, , least]) => {
    return warmFigure(ours, name, rates.get(name) as Spread, least)
  })
  const bars = [...rates].map(([name, spread]) => ({ name, spread, own: name === OURS }))
  return {
    figures: [...figures, ...onNeo4j.figures],
    charts: [{ title: 'GET /auth, warm: requests a second', unit: 'a second', bars }],
    notes: [
      `${warmTokens.toLocaleString('en')} live tokens in turn, each seen before; one process, LOG_LEVEL=warn.`,
      ...notes,
      ...onNeo4j.notes,
    ],
  }
}

/** Warm verifies a second against another server's; with the least ratio that is wanted, where one is. */
export function warmFigure(ours: Spread, name: string, spread: Spread, least?: number): Figure {
  const ratio = ratioOf(ours, spread)
  const target = least && { target: atLeast(least, ratio) }
  const figure = { name: `verify, warm, against ${name}`, unit: 'a second', ours, ratio }
  return { ...figure, against: { name, spread }, ...target }
}

/** The same on Neo4j, which has no part in it but for the feed that is followed. */
async function verifyOnNeo4j(bench: Bench): Promise<Pick<Findings, 'figures' | 'notes'>> {
  try {
    const { server, tokens } = await warmOnNeo4j(bench)
    const name = 'bare node:http'
    const http = await bench.baseline('bare-http')
    const servers: [string, Server][] = [
      [OURS_ON_NEO4J, server],
      [name, http],
    ]
    const { rates, notes } = await loadInTurn(bench, 'verify on Neo4j', servers, tokens)
    const [ours, spread] = [rates.get(OURS_ON_NEO4J) as Spread, rates.get(name) as Spread]
    const ratio = ratioOf(ours, spread)
    const figure = { name: 'verify, warm, on Neo4j, against bare node:http', unit: 'a second' }
    return { figures: [{ ...figure, ours, against: { name, spread }, ratio }], notes }
  } catch (error) {
    if (!(error instanceof MissingGraph)) throw error
    return { figures: [], notes: [`On Neo4j: left out, ${error.message}`] }
  }
}

/** A service on Neo4j that has seen the tokens of a file. */
export async function warmOnNeo4j(
  bench: Bench,
  env: Record<string, string> = {},
): Promise<{ server: Server; tokens: string }> {
  const { env: address } = await bench.graph()
  const tokens = await warmTokensOn(bench)
  const server = await bench.service({ ...address, ...env })
  await seeAll(bench, server, tokens, bench.plan.warmTokens)
  return { server, tokens }
}

/** Live tokens on Neo4j, the same for every part. */
export function warmTokensOn(bench: Bench): Promise<string> {
  return bench.once('warm tokens on Neo4j', async () => {
    const sessions = bench.plan.warmTokens
    const tokens = join(bench.folder, 'warm-tokens-neo4j')
    const { engine } = await bench.graph()
    await mint(engine, { sessions, users: sessions / 10, tokens })
    return tokens
  })
}

/** Sends each token once, so that all are known; throws unless all are valid. */
export async function seeAll(
  bench: Bench,
  { url, key }: Server,
  lines: string,
  count: number,
  from = 0,
): Promise<void> {
  bench.say(`each of ${count} tokens once`)
  const job = { url, ...(key && { key }), lines, from, count, connections: 64, seconds: 300 }
  let driven = await bench.drive(job)
  // Right after a mass of writes Neo4j may be late; this is no round yet.
  for (let i = 0; i < 3 && answered(driven, 503) > 0; i += 1) driven = await bench.drive(job)
  requireAll(driven, 200, 'verify')
  if (driven.requests < count) throw new Error(`only ${driven.requests} tokens seen in 300 s`)
}

async function mintEmbedded(directory: string, sessions: number, tokens: string): Promise<void> {
  const engine = await openEmbedded(directory)
  try {
    await prepareSchema(engine, newId)
    await mint(engine, { sessions, users: sessions / 10, tokens })
  } finally {
    await engine.close()
  }
}

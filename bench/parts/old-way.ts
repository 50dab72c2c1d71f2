import { freePort } from '../../private/neo4j-bolt.ts'
import type { Bench, Server } from '../bench.ts'
import { commandPath, startChild } from '../child.ts'
import { requireAll } from '../load/drive.ts'
import type { Findings } from '../part.ts'
import { loadInTurn } from '../rounds.ts'
import type { Spread } from '../spread.ts'
import { warmFigure, warmOnNeo4j } from './verify.ts'

const OURS = 'sessiongraph'
const READ = 'one graph read a call'
const REDIS = 'a JWT and a blacklist in Redis'
const RAW_REDIS = 'one bare GET from Redis'

/** GET /auth against servers that ask a database at every call. */
export async function oldWay(bench: Bench): Promise<Findings> {
  const { server, tokens } = await warmOnNeo4j(bench)
  const graph = await bench.graph()
  const servers: [string, Server][] = [
    [OURS, server],
    [READ, await bench.baseline('one-read', graph.env)],
  ]
  const redis = await startRedis(bench.folder)
  try {
    if (redis) {
      const address = { REDIS_PORT: String(redis.port) }
      servers.push([REDIS, await bench.baseline('jwt-redis', address)])
      const session = await bench.baseline('redis-session', address)
      const count = bench.plan.warmTokens
      const filling = { url: session.url, lines: tokens, count, connections: 32 }
      requireAll(await bench.drive({ ...filling, method: 'POST' }), 200, RAW_REDIS)
      servers.push([RAW_REDIS, session])
    }
    const { rates, notes } = await loadInTurn(bench, 'verify, the old way', servers, tokens)
    if (redis) notes.push(`${RAW_REDIS}: without a framework, a signature or a client library.`)
    else notes.push('Against Redis: left out, redis-server is not on the PATH.')
    return findings(rates, notes)
  } finally {
    await bench.endServers()
    await redis?.stop()
  }
}

function findings(rates: Map<string, Spread>, notes: string[]): Findings {
  const ours = rates.get(OURS) as Spread
  const targets = new Map([
    [READ, 10],
    [REDIS, 3],
  ])
  const figures = [...rates]
    .filter(([name]) => name !== OURS)
    .map(([name, spread]) => warmFigure(ours, name, spread, targets.get(name)))
  const bars = [...rates].map(([name, spread]) => ({ name, spread, own: name === OURS }))
  const title = 'GET /auth against a database at every call: requests a second'
  return { figures, charts: [{ title, unit: 'a second', bars }], notes }
}

async function startRedis(folder: string) {
  const file = await commandPath('redis-server')
  if (!file) return undefined
  const port = await freePort()
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '']
  return { port, ...startChild(file, [...settings, '--appendonly', 'no', '--dir', folder]) }
}

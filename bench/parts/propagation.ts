import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, Server } from '../bench.ts'
import { type Connection, openConnection } from '../load/connection.ts'
import { requireAll } from '../load/drive.ts'
import { readLines } from '../load/lines.ts'
import { mint } from '../mint.ts'
import { atMost, type Findings } from '../part.ts'
import { percentile, spreadOf } from '../spread.ts'
import { seeAll, warmOnNeo4j } from './verify.ts'

const LOAD = 500
const BOUND_MS = 1_000

/** From the acknowledged DELETE at one replica until another, or the same, refuses the token. */
export async function propagation(bench: Bench): Promise<Findings> {
  const { propagations: count, propagationSeconds: seconds, warmTokens } = bench.plan
  const graph = await bench.graph()
  const { server: a, tokens: loaded } = await warmOnNeo4j(bench)
  const { server: b } = await warmOnNeo4j(bench)
  const local = Math.ceil(count / 10)
  const file = join(bench.folder, 'to-be-ended')
  await mint(graph.engine, { sessions: count + local, users: count, tokens: file })
  for (const server of [a, b]) await seeAll(bench, server, file, count + local)

  bench.say(`propagation: ${count} blacklistings while both serve load`)
  const load = { lines: loaded, count: warmTokens, loop: true, rate: LOAD, connections: 8, seconds }
  const serving = Promise.all([a, b].map(({ url }) => bench.drive({ ...load, url })))
  // Awaited only after the blacklistings, one of which may throw before.
  serving.catch(() => undefined)
  const [toA, toB] = await Promise.all([a, b].map(connectTo))
  if (!toA || !toB) throw new Error('two replicas are needed')
  const lines = await readLines(file)
  const begun = performance.now()
  const times: { here: number[]; there: number[] } = { here: [], there: [] }
  for (let i = 0; i < lines.count; i += 1) {
    // At no fixed phase to the polls.
    const due = begun + ((i + Math.random()) / lines.count) * (seconds - 2) * 1000
    await delay(Math.max(0, due - performance.now()))
    const isLocal = i % 11 === 10
    const took = await untilRefused(toA, isLocal ? toA : toB, lines.at(i))
    times[isLocal ? 'here' : 'there'].push(took)
  }
  const withinLoad = (performance.now() - begun) / 1000 < seconds
  for (const driven of await serving) requireAll(driven, 200, 'verify meanwhile')
  toA.close()
  toB.close()

  const [here, there] = [times.here, times.there].map((all) => Float64Array.from(all).sort())
  if (!here || !there) throw new Error('nothing was measured')
  const at = (share: number) => spreadOf([percentile(there, share)])
  const [p50, p99, max] = [at(0.5), at(0.99), at(1)]
  const against = { name: 'the same replica', spread: spreadOf([percentile(here, 0.5)]) }
  const figure = { unit: 'ms' }
  return {
    figures: [
      { ...figure, name: 'propagation, p50', ours: p50, against, target: atMost(120, p50, 'ms') },
      { ...figure, name: 'propagation, p99', ours: p99, target: atMost(250, p99, 'ms') },
      { ...figure, name: 'propagation, longest', ours: max, target: atMost(BOUND_MS, max, 'ms') },
    ],
    charts: [
      {
        title: `From DELETE at one replica until another refuses, ${there.length} times`,
        unit: 'ms',
        bars: [
          { name: 'p50', spread: p50, own: true },
          { name: 'p99', spread: p99, own: true },
          { name: 'longest', spread: max, own: true },
          { name: 'p50 at the same replica', spread: against.spread, own: false },
        ],
      },
    ],
    notes: [
      `${there.length} times at another replica, ${here.length} at the same; each replica serves ${LOAD} verifies a second meanwhile, all answered.`,
      ...(withinLoad ? [] : ['The last of them were after the load had ended.']),
    ],
  }
}

function connectTo({ url }: Server): Promise<Connection> {
  const { hostname, port } = new URL(url)
  return openConnection(hostname, Number(port))
}

/** ms from the answer to a DELETE until the token is refused; throws past five times the bound. */
async function untilRefused(to: Connection, asked: Connection, token: string): Promise<number> {
  const head = `/auth HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`
  const { status, body } = await to.send(`DELETE ${head}`)
  const ended = performance.now()
  if (status !== 200) throw new Error(`DELETE: ${status} ${body}`)
  for (;;) {
    const answer = await asked.send(`GET ${head}`)
    const took = performance.now() - ended
    if (answer.status === 401) return took
    if (answer.status !== 200) throw new Error(`GET: ${answer.status} ${answer.body}`)
    if (took > 5 * BOUND_MS) throw new Error('a blacklisted token is still valid after 5 s')
    await delay(2)
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import { settings } from '../../private/config.ts'
import { newId } from '../../src/id.ts'
import type { Bench, Server } from '../bench.ts'
import { residentBytes } from '../child.ts'
import type { Graph } from '../graph.ts'
import { readLines } from '../load/lines.ts'
import { tokenText } from '../mint.ts'
import { atMost, type Bar, type Figure, type Findings } from '../part.ts'
import { spreadOf } from '../spread.ts'
import { stored } from './many.ts'
import { seeAll } from './verify.ts'

const MB = 2 ** 20
const MOST_MB = 600
const BATCH = 5_000

/** The resident memory of one process, set up as it comes, that has seen many tokens and follows many entries. */
export async function memory(bench: Bench): Promise<Findings> {
  const { entries } = bench.plan
  const { graph, all } = await stored(bench, 'many')
  const seen = Math.min(bench.plan.seen, bench.plan.manySessions)
  const whole = Math.min(seen, Number(settings.checkedTokensMax.default))
  const server = await bench.service(graph.env)
  // Buffers of the connections and compiled code are no part of what an entry costs.
  const picked = Math.ceil(seen / 100)
  await seeAll(bench, server, all, picked)
  const start = await settled(bench, server)
  await seeAll(bench, server, all, whole - picked, picked)
  const checked = await settled(bench, server)
  if (seen > whole) await seeAll(bench, server, all, seen - whole, whole)
  const known = await settled(bench, server)
  const remembered = await rememberedBy(server)

  bench.say(`writes ${entries} blacklist entries`)
  const lines = await readLines(all)
  const last = tokenText.read(lines.at(seen - 1)).sessions[0]
  for (let from = 0; from < entries; from += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, entries - from) }, newId)
    if (from + BATCH >= entries) ids[ids.length - 1] = last
    await blacklist(graph, ids)
  }
  await untilRefused(server, lines.at(seen - 1))
  const total = await settled(bench, server)

  const inAll = spreadOf([total])
  return {
    figures: [
      { name: 'memory, in all', unit: 'MB', ours: inAll, target: atMost(MOST_MB, inAll, 'MB') },
      each('a checked token', checked - start, whole - picked),
      // A short run sees no more than are kept whole.
      ...(seen > whole ? [each('a known id', known - checked, seen - whole)] : []),
      each('a blacklist entry', total - known, entries),
    ],
    charts: [
      {
        title: 'Resident memory of one process',
        unit: 'MB',
        bars: [
          bar(`${count(picked)} tokens seen`, start),
          bar(`${count(whole)} tokens seen`, checked),
          bar(`${count(seen)} tokens seen`, known),
          bar(`and ${count(entries)} entries`, total),
        ],
      },
    ],
    notes: [
      `Default settings; ${count(seen)} tokens seen, of which ${count(remembered.knownTokens)} were known afterwards and ${count(remembered.checkedTokens)} kept whole, and ${count(entries)} entries; resident memory a few seconds later, garbage that Node keeps for itself included.`,
    ],
  }
}

function each(what: string, mb: number, of: number): Figure {
  return { name: `memory, ${what}`, unit: 'bytes', ours: spreadOf([(mb * MB) / of]) }
}

function bar(name: string, mb: number): Bar {
  return { name, spread: spreadOf([mb]), own: true }
}

function count(value: number): string {
  return value.toLocaleString('en')
}

async function rememberedBy({
  url,
}: Server): Promise<{ checkedTokens: number; knownTokens: number }> {
  const answer = await fetch(`${url}/readyz?verbose`)
  return (await answer.json()) as { checkedTokens: number; knownTokens: number }
}

/** MB, once it has come to rest. */
async function settled({ plan }: Bench, { pid }: Server): Promise<number> {
  await delay(plan.settleSeconds * 1000)
  return (await residentBytes(pid)) / MB
}

async function untilRefused({ url }: Server, token: string): Promise<void> {
  const end = performance.now() + 60_000
  while (performance.now() < end) {
    const answer = await fetch(`${url}/auth`, { headers: { Authorization: `Bearer ${token}` } })
    await answer.arrayBuffer()
    if (answer.status === 401) return
    await delay(50)
  }
  throw new Error('the entries were not followed within 60 s')
}

async function blacklist({ engine }: Graph, ids: string[]): Promise<void> {
  await engine.write(
    `MATCH (feed:Feed {name: 'blacklist'}) SET feed.locked = true
     WITH feed, feed.seq AS base, timestamp() AS now
     SET feed.seq = base + size($ids)
     WITH base, now UNWIND range(0, size($ids) - 1) AS i
     CREATE (:BlacklistEntry {seq: base + i + 1, scope: 'session', id: $ids[i], kind: 'ended',
       at: now, \`from\`: now, until: now + 86400000, reason: 'logout', operation: $ids[i]})`,
    { ids },
  )
}

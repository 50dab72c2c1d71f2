import { setTimeout as delay } from 'node:timers/promises'
import { newId } from '../../src/id.ts'
import type { Bench, Server } from '../bench.ts'
import { residentBytes } from '../child.ts'
import type { Graph } from '../graph.ts'
import { readLines } from '../load/lines.ts'
import { tokenText } from '../mint.ts'
import { atMost, type Findings } from '../part.ts'
import { type Spread, spreadOf } from '../spread.ts'
import { stored } from './many.ts'
import { seeAll } from './verify.ts'

const MB = 2 ** 20
const MOST_MB = 600
const BATCH = 5_000

/** The resident memory of one process that has seen many tokens and follows many entries. */
export async function memory(bench: Bench): Promise<Findings> {
  const { entries } = bench.plan
  const { graph, all } = await stored(bench, 'many')
  const seen = Math.min(bench.plan.seen, bench.plan.manySessions)
  const server = await bench.service({
    ...graph.env,
    KNOWN_TOKENS_MAX: String(seen),
    BLACKLIST_MAX_ENTRIES: String(4 * entries),
  })
  // Buffers of the connections and compiled code are no part of what an entry costs.
  const picked = Math.ceil(seen / 100)
  await seeAll(bench, server, all, picked)
  const empty = await settled(bench, server)
  await seeAll(bench, server, all, seen - picked, picked)
  const full = await settled(bench, server)

  bench.say(`writes ${entries} blacklist entries`)
  const lines = await readLines(all)
  const last = tokenText.read(lines.at(seen - 1)).sessions[0]
  for (let from = 0; from < entries; from += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, entries - from) }, newId)
    if (from + BATCH >= entries) ids[ids.length - 1] = last
    await blacklist(graph, ids)
  }
  await untilRefused(server, lines.at(seen - 1))
  const whole = await settled(bench, server)

  const perToken = ((full - empty) * MB) / (seen - picked)
  const perEntry = ((whole - full) * MB) / entries
  const one = (value: number): Spread => spreadOf([value])
  const [start, known, total] = [one(empty), one(full), one(whole)]
  return {
    figures: [
      { name: 'memory, in all', unit: 'MB', ours: total, target: atMost(MOST_MB, total, 'MB') },
      { name: 'memory, a known token', unit: 'bytes', ours: one(perToken) },
      { name: 'memory, a blacklist entry', unit: 'bytes', ours: one(perEntry) },
    ],
    charts: [
      {
        title: 'Resident memory of one process',
        unit: 'MB',
        bars: [
          { name: `${picked.toLocaleString('en')} tokens seen`, spread: start, own: true },
          { name: `${seen.toLocaleString('en')} tokens seen`, spread: known, own: true },
          { name: `and ${entries.toLocaleString('en')} entries`, spread: total, own: true },
        ],
      },
    ],
    notes: [
      `${seen.toLocaleString('en')} tokens seen (KNOWN_TOKENS_MAX as many) and ${entries.toLocaleString('en')} entries; resident memory a few seconds later, garbage that Node keeps for itself included.`,
    ],
  }
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

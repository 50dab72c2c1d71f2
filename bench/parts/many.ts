import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import type { Graph } from '../graph.ts'
import { pickLines } from '../load/lines.ts'
import { mint } from '../mint.ts'

/** A graph with sessions in it, and files of 1,000 tokens and of as many log-ins. */
export interface Stored {
  graph: Graph
  /** How many sessions were stored before anything was measured. */
  sessions: number
  /** Every token, and those that are picked: for verify, and others for refresh. */
  all: string
  verifying: string
  refreshing: string
  logins: string
}

/** How many tokens, and users, are picked. */
export const PICKED = 500

/** A Neo4j of its own with few sessions or many, of which as many take part either way. */
export function stored(bench: Bench, name: 'few' | 'many'): Promise<Stored> {
  return bench.once(`${name} sessions`, async () => {
    const { fewSessions, manySessions, manyUsers } = bench.plan
    const sessions = name === 'few' ? fewSessions : manySessions
    const users = name === 'few' ? fewSessions : manyUsers
    const graph = await bench.graph(name)
    const file = (what: string) => join(bench.folder, `${name}-${what}`)
    bench.say(`writes ${sessions.toLocaleString('en')} sessions of ${users} users`)
    await mint(graph.engine, { sessions, users, tokens: file('all'), logins: file('users') })
    // From all over the graph, so that what is asked for does not lie together.
    const step = sessions / (2 * PICKED)
    const at = (i: number) => Math.floor(i * step)
    const indexes = Array.from({ length: 2 * PICKED }, (_, i) => at(i))
    const picked = (odd: number) => indexes.filter((_, i) => i % 2 === odd)
    await pickLines(file('all'), file('verifying'), picked(0))
    await pickLines(file('all'), file('refreshing'), picked(1))
    const some = Array.from({ length: PICKED }, (_, i) => Math.floor((i * users) / PICKED))
    await pickLines(file('users'), file('logins'), some)
    return {
      graph,
      sessions,
      all: file('all'),
      verifying: file('verifying'),
      refreshing: file('refreshing'),
      logins: file('logins'),
    }
  })
}

import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Bench, Server } from '../bench.ts'
import { root, runChild } from '../child.ts'
import { requireAll } from '../load/drive.ts'
import { writeLines } from '../load/lines.ts'
import { atLeast, type Findings } from '../part.ts'
import { interleave } from '../rounds.ts'
import { ratioOf, type Spread } from '../spread.ts'

/** The cost of the log-ins that are measured themselves. */
export const LOGIN_COST = 10
const OURS = 'sessiongraph'
const RAW = 'raw bcrypt'
const USERS = 8

/** POST /auth against bcrypt alone, with as many hashes at once. */
export async function login(bench: Bench): Promise<Findings> {
  const { loginSeconds, warmUpSeconds } = bench.plan
  const graph = await bench.graph()
  const server = await bench.service({ ...graph.env, BCRYPT_COST: String(LOGIN_COST) })
  const lines = await registered(bench, server)
  const atOnce = hashesAtOnce()
  const rates = await interleave(bench, 'log-in', [
    {
      name: OURS,
      async measure() {
        await loginRate(bench, server, lines, warmUpSeconds)
        return loginRate(bench, server, lines, loginSeconds)
      },
    },
    { name: RAW, measure: () => rawRate(atOnce, loginSeconds) },
  ])
  const [ours, spread] = [rates.get(OURS) as Spread, rates.get(RAW) as Spread]
  const ratio = ratioOf(ours, spread)
  const against = { name: RAW, spread }
  const figure = { name: 'log-in', unit: 'a second', ours, against, ratio }
  const bars = [...rates].map(([name, of]) => ({ name, spread: of, own: name === OURS }))
  return {
    figures: [{ ...figure, target: atLeast(0.95, ratio) }],
    charts: [
      { title: `POST /auth at cost ${LOGIN_COST}: log-ins a second`, unit: 'a second', bars },
    ],
    notes: [
      `Cost ${LOGIN_COST}, on Neo4j; ${atOnce} at once, as the service hashes on these cores.`,
    ],
  }
}

/** Registers a few users at the service and gives the file of their log-ins. */
export async function registered(bench: Bench, { url }: Server): Promise<string> {
  const lines = join(bench.folder, `logins-${new URL(url).port}`)
  const names = Array.from({ length: USERS }, (_, i) => `login.${new URL(url).port}.${i}`)
  const bodies = names.map((username) =>
    JSON.stringify({ username, password: 'correct horse battery' }),
  )
  for (const body of bodies) {
    const headers = { 'Content-Type': 'application/json' }
    const answer = await fetch(`${url}/auth/user`, { method: 'POST', headers, body })
    if (answer.status !== 201) throw new Error(`register: ${answer.status} ${await answer.text()}`)
  }
  await writeLines(lines, bodies)
  return lines
}

/** Log-ins a second with a few more in flight than are hashed at once. */
export async function loginRate(
  bench: Bench,
  { url }: Server,
  lines: string,
  seconds: number,
): Promise<number> {
  const connections = hashesAtOnce() + 2
  const job = { url, lines, count: USERS, method: 'POST', as: 'body', loop: true } as const
  const driven = await bench.drive({ ...job, connections, seconds })
  requireAll(driven, 200, 'log-in')
  return driven.requests / driven.seconds
}

async function rawRate(atOnce: number, seconds: number): Promise<number> {
  const program = join(root, 'bench', 'baselines', 'raw-bcrypt.ts')
  const args = [program, ...[atOnce, LOGIN_COST, seconds].map(String)]
  const output = await runChild(process.execPath, args, (seconds + 30) * 1000)
  return Number(/^RESULT (.+)$/m.exec(output)?.[1])
}

// As the service decides: see docs/decisions/0005-the-hash-queue.md.
function hashesAtOnce(): number {
  return Math.max(1, Math.min(availableParallelism(), 4) - 1)
}

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Build, makeBuild } from '../test/survive/broken/build.ts'
import { HISTORY, runCampaign } from './campaign.ts'
import { check } from './check/check.ts'
import type { Violation } from './check/joined.ts'
import type { GraphServer } from './graph.ts'
import { readHistory } from './history.ts'
import { everyDeed, type Plan } from './plan.ts'

/** How a broken build was caught, or that it was not. */
export interface Caught {
  build: Build
  /** The first violation of an invariant that must catch it; nothing where none did. */
  violation: Violation | undefined
  /** How many campaigns that took. */
  campaigns: number
  seconds: number
}

interface PowerOptions {
  root: string
  home: string
  seed: number
  /** Resolves to the Neo4j for builds that need one. */
  graph(): Promise<GraphServer>
  signal: AbortSignal
}

/** A race may be missed once: so many campaigns, of other seeds, a build may take. */
const CAMPAIGNS = 4

/** Runs campaigns on a broken build until one catches it. */
export async function catchBuild(build: Build, options: PowerOptions): Promise<Caught> {
  const { root, home, seed, signal } = options
  const { engine } = build.plan
  const graph = engine === 'neo4j' ? await options.graph() : undefined
  const begun = performance.now()
  const copy = await makeBuild(root, build)
  let campaigns = 0
  let violation: Violation | undefined
  try {
    while (!violation && campaigns < CAMPAIGNS && !signal.aborted) {
      const plan = planFor(build, seed + campaigns, copy.root)
      const folder = join(home, `broken-${build.name}`)
      await mkdir(folder, { recursive: true })
      await runCampaign({ plan, graph, home: folder, signal, say: () => undefined })
      const found = check(await readHistory(join(folder, HISTORY)))
      violation = found.find(({ invariant }) => build.caughtBy.includes(invariant))
      campaigns += 1
    }
  } finally {
    await copy.remove()
  }
  return { build, violation, campaigns, seconds: (performance.now() - begun) / 1000 }
}

function planFor({ name, plan }: Build, seed: number, root: string): Plan {
  return {
    name: `${name}-${seed}`,
    seed,
    seconds: 11,
    workers: 16,
    paceMs: 30,
    mix: everyDeed,
    faults: [],
    gapSeconds: [1, 2],
    longestSeconds: 3,
    stalenessMs: 1_000,
    graceMs: 2_000,
    tokenSeconds: 30,
    pruneSeconds: 0,
    settings: {},
    command: `npm run survive -- broken ${name} --seed ${seed}`,
    ...plan,
    root,
  }
}

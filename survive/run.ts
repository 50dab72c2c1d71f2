import { randomInt } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exitCodeOf, type Interrupt, onInterrupt } from '../private/interrupt.ts'
import { HISTORY, runCampaign } from './campaign.ts'
import { check, explain } from './check/check.ts'
import { type GraphServer, startGraph } from './graph.ts'
import { readHistory } from './history.ts'
import { planOf, requestOf, USAGE } from './plan.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const stopping = new AbortController()
let interrupt: Interrupt | undefined
onInterrupt((name) => {
  interrupt = name
  stopping.abort()
})
process.exit(await main(process.argv.slice(2)))

async function main(args: string[]): Promise<number> {
  const request = requestOf(args, () => randomInt(1, 1_000_000))
  const home = join(root, '.survive')
  await mkdir(home, { recursive: true })
  let graph: GraphServer | undefined
  let failed = 0
  try {
    for (const engine of request.engines) {
      if (engine === 'neo4j')
        graph = await startGraph(
          process.env.SURVIVE_CACHE ?? join(root, '.neo4j'),
          process.env,
          stopping.signal,
          console.log,
        )
      const plan = planOf(request, engine, root)
      const own = join(home, plan.name)
      const file = join(own, HISTORY)
      console.log(plan.command)
      const ran = await runCampaign({
        plan,
        graph: engine === 'neo4j' ? graph : undefined,
        home: own,
        signal: stopping.signal,
        say: (line) => console.log(line),
      })
      console.log(ran)
      const lines = await readHistory(file)
      const found = check(lines)
      console.log(
        lines.length,
        explain(lines, found),
        Object.fromEntries(
          Object.entries(Object.groupBy(found, (v) => v.invariant)).map(([k, v]) => [k, v?.length]),
        ),
      )
      failed += found.length
    }
  } finally {
    await graph?.stop()
  }
  if (interrupt) return exitCodeOf(interrupt)
  console.log(USAGE.length)
  return failed ? 1 : 0
}

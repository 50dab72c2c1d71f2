import { randomInt } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exitCodeOf, type Interrupt, onInterrupt } from '../private/interrupt.ts'
import { builds } from '../test/survive/broken/builds.ts'
import { HISTORY, runCampaign } from './campaign.ts'
import { check, explain } from './check/check.ts'
import { type GraphServer, MissingNeo4j, startGraph } from './graph.ts'
import { readHistory } from './history.ts'
import { type EngineName, planOf, type Request, requestOf, USAGE } from './plan.ts'
import { catchBuild } from './power.ts'
import { type Figures, figuresOf } from './report/figures.ts'
import { summary } from './report/text.ts'
import { type EngineResult, writeResults } from './results.ts'
import { soak } from './soak.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const home = join(root, '.survive')
const { env } = process

/** With fewer a campaign has shown nothing. */
const LEAST_WRITES = 100

const stopping = new AbortController()
let interrupt: Interrupt | undefined
onInterrupt((name) => {
  interrupt = name
  stopping.abort(new Error(`interrupted by ${name}`))
})

let starting: Promise<GraphServer> | undefined

/** The campaign's own Neo4j, started when it is first asked for. */
function neo4j(): Promise<GraphServer> {
  const cache = env.SURVIVE_NEO4J_CACHE ?? join(root, '.neo4j')
  starting ??= startGraph(cache, env, stopping.signal, console.log)
  return starting
}

// Connections that a library keeps open would hold the process.
process.exit(await main(process.argv.slice(2)))

async function main(args: string[]): Promise<number> {
  let request: Request
  try {
    request = requestOf(args, () => randomInt(1, 1_000_000))
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    return 2
  }
  try {
    await mkdir(home, { recursive: true })
    const failures = request.length === 'broken' ? await showPower(request) : await survive(request)
    return interrupt ? exitCodeOf(interrupt) : Number(failures > 0)
  } catch (error) {
    if (!interrupt) console.error(error)
    return interrupt ? exitCodeOf(interrupt) : 1
  } finally {
    await (await starting?.catch(() => undefined))?.stop()
  }
}

/** Runs a campaign on each engine; gives the number of those that failed. */
async function survive(request: Request): Promise<number> {
  const begun = performance.now()
  const date = new Date().toISOString()
  const results: EngineResult[] = []
  // It takes a while to start, which the first campaign can use.
  if (request.engines.includes('neo4j')) neo4j().catch(() => undefined)
  for (const engine of request.engines) {
    const result = stopping.signal.aborted ? undefined : await surviveOn(engine, request)
    if (result) results.push(result)
  }
  const isWhole = request.length === 'full' && request.engines.length === 2 && !request.faults
  const hasSoak = isWhole && results.length === 2 && !interrupt
  const soaked = hasSoak ? await soak({ root, signal: stopping.signal, say }) : undefined
  const minutes = (performance.now() - begun) / 60_000
  // A run of one engine or some faults, or one cut short, must not stand as the project's figures.
  if (soaked && !interrupt) {
    for (const file of await writeResults(root, { date, minutes, results, soaked })) {
      console.log(`wrote ${file}`)
    }
  }
  console.log(`${minutes.toFixed(1)} minutes`)
  return results.filter(({ figures }) => figures.violations > 0 || !isTelling(figures)).length
}

async function surviveOn(engine: EngineName, request: Request): Promise<EngineResult | undefined> {
  const plan = planOf(request, engine, root)
  const graph = engine === 'neo4j' ? await neo4j().catch(leaveOut) : undefined
  if (engine === 'neo4j' && !graph) return undefined
  console.log(`\n${plan.command}`)
  const folder = join(home, plan.name)
  const { skipped } = await runCampaign({ plan, graph, home: folder, signal: stopping.signal, say })
  // A Ctrl-C of a terminal reaches the services, too: what is recorded then tells of that.
  if (interrupt) return undefined
  const lines = await readHistory(join(folder, HISTORY))
  const violations = check(lines)
  const figures = figuresOf(lines, violations)
  for (const line of summary(figures)) console.log(`  ${line}`)
  for (const line of skipped) console.log(`  skipped: ${line}`)
  console.log(explain(lines, violations))
  if (violations.length > 0) console.log(`The history and the logs are in ${folder}`)
  return { plan, figures, skipped, lines, server: graph?.version ?? 'the embedded graph' }
}

/** Whether enough was done for the record to say anything. */
function isTelling({ byVerb, writes }: Figures): boolean {
  const verbs = ['register', 'login', 'refresh', 'end', 'change', 'verify']
  if (writes >= LEAST_WRITES && verbs.every((verb) => byVerb[verb])) return true
  console.log(
    `FAILED: only ${writes} writes were served, ${LEAST_WRITES} are wanted: is the machine too busy?`,
  )
  return false
}

function leaveOut(error: Error): undefined {
  const isCi = !['', '0', 'false', undefined].includes(env.CI)
  if (isCi || !(error instanceof MissingNeo4j)) throw error
  console.log(`skipped: everything on Neo4j (${error.message})`)
}

/** Runs the broken builds; gives the number of those that nothing caught. */
async function showPower(request: Request): Promise<number> {
  const unknown = request.builds.find((name) => !builds.some((build) => build.name === name))
  if (unknown) {
    throw new Error(`no build is called ${unknown}: ${builds.map(({ name }) => name).join(' ')}`)
  }
  let missed = 0
  for (const build of builds) {
    if (request.builds.length > 0 && !request.builds.includes(build.name)) continue
    if (!request.engines.includes(build.plan.engine) || stopping.signal.aborted) continue
    const options = { root, home, seed: request.seed, graph: neo4j, signal: stopping.signal }
    const { violation, campaigns, seconds } = await catchBuild(build, options)
    const how = violation
      ? `caught by ${violation.invariant} (${violation.what})`
      : 'NOT CAUGHT: the checker or the load is too weak'
    console.log(`${build.name}: ${build.about}`)
    console.log(`  ${how}; campaign ${campaigns}, ${seconds.toFixed(0)} s`)
    if (!violation) missed += 1
  }
  return missed
}

function say(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line}\r`)
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitCodeOf, type Interrupt, onInterrupt } from '../private/interrupt.ts'
import { createBench, type RunningBench } from './bench.ts'
import { MissingGraph } from './graph.ts'
import { surroundings } from './machine.ts'
import { parts } from './parts.ts'
import { full, quick } from './plan.ts'
import { createProgress } from './progress.ts'
import { line } from './report/text.ts'
import { type Results, writeResults } from './results.ts'

const USAGE = `npm run bench             all parts, under 30 minutes; writes docs/performance.md
npm run bench -- quick    all parts shortened, under 3 minutes
npm run bench -- NAME...  some parts; with quick, shortened: ${parts.map(({ name }) => name).join(' ')}`

const stopping = new AbortController()
let interrupt: Interrupt | undefined
onInterrupt((name) => {
  interrupt = name
  stopping.abort(new Error(`interrupted by ${name}`))
})

// Connections that a library keeps open would hold the process.
process.exit(await main(process.argv.slice(2)))

async function main(args: string[]): Promise<number> {
  const plan = args.includes('quick') ? quick : full
  const names = args.filter((arg) => arg !== 'quick')
  const unknown = names.filter((name) => !parts.some((part) => part.name === name))
  if (unknown.length > 0) {
    console.error(`no part is called ${unknown.join(', ')}\n${USAGE}`)
    return 2
  }
  const chosen = parts.filter(({ name }) => names.length === 0 || names.includes(name))
  const { print, say } = createProgress(process.stdout)
  const folder = await mkdtemp(join(tmpdir(), 'sessiongraph-bench-'))
  const begun = performance.now()
  const date = new Date().toISOString()
  const bench = await createBench(plan, folder, say, stopping.signal)
  const found: Pick<Results, 'parts' | 'failures'> = { parts: [], failures: [] }
  try {
    for (const part of chosen) await runPart(part, bench, found, print)
    const results: Results = {
      date,
      plan: plan.name,
      minutes: (performance.now() - begun) / 60_000,
      surroundings: await surroundings(bench.load.name, bench.neo4jVersion()),
      ...found,
    }
    // A run of some parts, or one cut short, must not stand as the figures of the project.
    const isWhole = chosen.length === parts.length && interrupt === undefined
    if (isWhole) for (const file of await writeResults(results)) print(`wrote ${file}`)
    print(`${results.minutes.toFixed(1)} minutes, load by ${bench.load.name}`)
  } finally {
    say('ends what it started')
    await bench.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    print('')
  }
  if (interrupt) return exitCodeOf(interrupt)
  return found.failures.length > 0 ? 1 : 0
}

async function runPart(
  { name, title, run }: (typeof parts)[0],
  bench: RunningBench,
  found: Pick<Results, 'parts' | 'failures'>,
  print: (text: string) => void,
): Promise<void> {
  if (interrupt) return
  try {
    const findings = await run(bench)
    found.parts.push({ name, title, ...findings })
    print(`\n${title}`)
    for (const figure of findings.figures) print(`  ${line(figure)}`)
    for (const note of findings.notes) print(`  ${note}`)
  } catch (error) {
    const reason = (error as Error).message
    if (error instanceof MissingGraph) {
      const notes = [`Left out: ${reason}`]
      found.parts.push({ name, title, figures: [], charts: [], notes })
      print(`\n${title}: left out, ${reason}`)
    } else {
      found.failures.push({ name, reason: reason.split('\n', 1)[0] ?? '' })
      print(`\n${title} failed: ${reason}`)
      for (const said of bench.serversSaid()) print(said)
    }
  } finally {
    await bench.endServers()
  }
}

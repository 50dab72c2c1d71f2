import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { surroundings } from '../bench/machine.ts'
import type { Line } from './history.ts'
import type { Plan } from './plan.ts'
import type { Figures } from './report/figures.ts'
import { pageOf } from './report/page.ts'
import { timelineSvg } from './report/timeline.ts'
import type { Soaked } from './soak.ts'

/** What one campaign has shown. */
export interface EngineResult {
  plan: Plan
  figures: Figures
  skipped: string[]
  lines: Line[]
  /** What the graph is, with its version. */
  server: string
}

export interface Results {
  /** When the run began (ISO 8601). */
  date: string
  minutes: number
  results: EngineResult[]
  soaked: Soaked
}

/** Writes the page and its pictures; gives the files' names. */
export async function writeResults(root: string, run: Results): Promise<string[]> {
  const folder = join(root, 'docs', 'survival')
  await mkdir(folder, { recursive: true })
  const machine = await surroundings('', run.results.at(-1)?.server)
  const pictures = run.results.map(({ plan, lines }) => {
    return [`docs/survival/${plan.engine}.svg`, timelineSvg(lines)] as const
  })
  const files = [['docs/survival.md', pageOf(run, machine)] as const, ...pictures]
  for (const [name, text] of files) await writeFile(join(root, name), text)
  return files.map(([name]) => name)
}

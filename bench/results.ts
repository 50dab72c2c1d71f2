import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from './child.ts'
import type { Surroundings } from './machine.ts'
import type { Findings } from './part.ts'
import { chartSvg } from './report/chart.ts'
import { pageOf } from './report/page.ts'

/** What a run has found. */
export interface Results {
  /** When it began (ISO 8601). */
  date: string
  plan: 'full' | 'quick'
  minutes: number
  surroundings: Surroundings
  parts: (Findings & { name: string; title: string })[]
  failures: { name: string; reason: string }[]
}

/** Writes the results as JSON; those of a full run also as the page with its charts. */
export async function writeResults(results: Results): Promise<string[]> {
  const isFull = results.plan === 'full'
  const file = join(root, 'bench', isFull ? 'results.json' : 'results-quick.json')
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`)
  if (!isFull) return [file]
  const page = join(root, 'docs', 'performance.md')
  const folder = join(root, 'docs', 'performance')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (const { name, charts } of results.parts) {
    for (const [i, chart] of charts.entries()) {
      await writeFile(join(folder, `${name}-${i + 1}.svg`), chartSvg(chart))
    }
  }
  await writeFile(page, pageOf(results))
  return [file, page]
}

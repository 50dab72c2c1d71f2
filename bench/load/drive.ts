import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChild } from '../child.ts'
import type { Driven, Job } from './job.ts'

const driver = fileURLToPath(new URL('driver.ts', import.meta.url))
let jobs = 0

/** Runs a job in a process of its own. */
export async function drive(folder: string, job: Job): Promise<Driven> {
  jobs += 1
  const file = join(folder, `job-${jobs}.json`)
  await writeFile(file, JSON.stringify(job))
  const output = await runChild(process.execPath, [driver, file], (job.seconds + 60) * 1000)
  const [, found] = /^RESULT (.+)$/m.exec(output) ?? []
  if (found) return JSON.parse(found) as Driven
  throw new Error(`the driver gave no result:\n${output}`)
}

/** How many were answered with a status. */
export function answered({ byStatus }: Driven, status: number): number {
  return byStatus[status]?.count ?? 0
}

/** Throws unless everything was answered with the status: a round with errors is a failed round. */
export function requireAll(driven: Driven, status: number, what: string): void {
  const others = driven.requests - answered(driven, status)
  if (others === 0 && driven.failed === 0) return
  const seen = Object.entries(driven.byStatus).map(([name, { count }]) => `${count} × ${name}`)
  throw new Error(
    `${what}: not all ${status}, but ${seen.join(', ')}, ${driven.failed} failed ${driven.failure ?? ''}`,
  )
}

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { cpus, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './child.ts'

/** What a run was made on and with. */
export interface Surroundings {
  cpus: number
  cpuModel: string
  memoryGb: number
  system: string
  node: string
  neo4j: string
  embedded: string
  redis: string
  load: string
}

export async function surroundings(load: string, neo4j: string | undefined): Promise<Surroundings> {
  const engine = join(root, 'node_modules', '@grafeo-db', 'js', 'package.json')
  const { version } = JSON.parse(await readFile(engine, 'utf8')) as { version: string }
  const redis = await promisify(execFile)('redis-server', ['--version']).then(
    ({ stdout }) => /v=(\S+)/.exec(stdout)?.[1] ?? 'unknown',
    () => 'none',
  )
  return {
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: type(),
    node: process.version,
    neo4j: neo4j ?? 'none',
    embedded: `@grafeo-db/js ${version}`,
    redis,
    load,
  }
}

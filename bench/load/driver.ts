// Runs one job (a file) and prints what came of it.
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { percentile } from '../spread.ts'
import { type Connection, openConnection } from './connection.ts'
import type { Driven, Job, Latencies } from './job.ts'
import { readLines, writeLines } from './lines.ts'

const job = JSON.parse(await readFile(process.argv[2] as string, 'utf8')) as Job
const { hostname, port } = new URL(job.url)
const lines = await readLines(job.lines)
const successors = new Map<number, string>()
const latencies: Record<string, number[]> = {}
const key = job.key === undefined ? '' : `X-Api-Key: ${job.key}\r\n`
const target = `${job.method} /auth HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${key}`
let failed = 0
let failure: string | undefined
let requests = 0
let next = 0

const connections = await Promise.all(
  Array.from({ length: job.connections }, () => openConnection(hostname, Number(port))),
)
const begun = performance.now()
const end = begun + job.seconds * 1000
await (job.rate === undefined ? atFullSpeed() : atRate(job.rate))
const seconds = (performance.now() - begun) / 1000
if (job.chain) {
  const all = Array.from({ length: lines.count }, (_, i) => successors.get(i) ?? lines.at(i))
  await writeLines(job.lines, all)
}
console.log(`\nRESULT ${JSON.stringify(result(seconds))}`)
process.exit(0)

async function atFullSpeed(): Promise<void> {
  await Promise.all(
    connections.map(async (connection) => {
      while (performance.now() < end && hasNext()) await one(connection, performance.now())
    }),
  )
}

async function atRate(rate: number): Promise<void> {
  const idle = [...connections]
  const late: number[] = []
  function free(connection: Connection): void {
    const due = late.shift()
    if (due === undefined) idle.push(connection)
    else one(connection, due).then(() => free(connection))
  }
  for (let sent = 0; performance.now() < end; await delay(1)) {
    const now = performance.now()
    for (const due = ((now - begun) * rate) / 1000; sent < due && hasNext(); sent += 1) {
      const connection = idle.shift()
      if (connection) one(connection, now).then(() => free(connection))
      else late.push(now)
    }
  }
  const patience = performance.now() + 10_000
  while (idle.length < connections.length && performance.now() < patience) await delay(5)
  failed += late.length + connections.length - idle.length
}

function hasNext(): boolean {
  return job.loop === true || next < job.count
}

/** Sends the next line and notes how long the answer took since it was due. */
async function one(connection: Connection, due: number): Promise<void> {
  const at = job.from + (next % job.count)
  next += 1
  try {
    const { status, body } = await connection.send(requestOf(successors.get(at) ?? lines.at(at)))
    requests += 1
    latencies[status] ??= []
    latencies[status].push(performance.now() - due)
    if (job.chain && status === 200) successors.set(at, JSON.parse(body).token)
  } catch (error) {
    failed += 1
    failure ??= (error as Error).message
    // Without its connection a sender would spin.
    await delay(20)
  }
}

function requestOf(line: string): string {
  if (job.as === 'token') return `${target}Authorization: Bearer ${line}\r\n\r\n`
  return `${target}Content-Type: application/json\r\nContent-Length: ${line.length}\r\n\r\n${line}`
}

function result(seconds: number): Driven {
  const byStatus = Object.entries(latencies).map(([status, values]): [string, Latencies] => {
    const sorted = Float64Array.from(values).sort()
    const [p50, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)]
    return [status, { count: sorted.length, p50, p99, max: sorted.at(-1) ?? 0 }]
  })
  const counts = { requests, seconds, failed, ...(failure && { failure }) }
  return { ...counts, byStatus: Object.fromEntries(byStatus) }
}

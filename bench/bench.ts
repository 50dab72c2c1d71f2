import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../private/neo4j-bolt.ts'
import { type Child, type Environment, root, startChild, untilReady } from './child.ts'
import { type Graph, startGraph } from './graph.ts'
import { drive } from './load/drive.ts'
import type { Driven, Job } from './load/job.ts'
import { findLoad, type Load } from './load/load.ts'
import { COST, SECRET } from './mint.ts'
import type { Plan } from './plan.ts'
import type { Progress } from './progress.ts'

/** A server that is measured. */
export interface Server extends Child {
  url: string
  /** What is sent as X-Api-Key. */
  key?: string
}

/** What every part works with. */
export interface Bench {
  plan: Plan
  load: Load
  /** A folder that ends with the run. */
  folder: string
  say: Progress['say']
  /** A Neo4j by name, started when it is first asked for and kept until the run ends. */
  graph(name?: 'main' | 'few' | 'many'): Promise<Graph>
  /** The service, ready to serve. */
  service(env: Environment): Promise<Server>
  /** A program of bench/baselines. */
  baseline(name: string, env?: Environment): Promise<Server>
  drive(job: Partial<Job> & Pick<Job, 'url' | 'lines'>): Promise<Driven>
  /** Makes what several parts need, once in a run. */
  once<T>(name: string, make: () => Promise<T>): Promise<T>
  /** Ends all servers; each part's end does so, too. */
  endServers(): Promise<void>
}

export interface RunningBench extends Bench {
  close(): Promise<void>
  neo4jVersion(): string | undefined
  /** The state of each server of a part, and the last that it printed. */
  serversSaid(): string[]
}

/** Common to every service that is measured: nothing that happens by itself disturbs a round. */
const QUIET: Environment = {
  HOST: '127.0.0.1',
  LOG_LEVEL: 'warn',
  AUDIT_LOG: 'off',
  PRUNE_SCHEDULE: '0 0 29 2 *',
  JWT_SECRET: SECRET,
  BCRYPT_COST: String(COST),
}

export async function createBench(
  plan: Plan,
  folder: string,
  say: Progress['say'],
  signal: AbortSignal,
): Promise<RunningBench> {
  const load = await findLoad()
  const graphs = new Map<string, Promise<Graph>>()
  const made = new Map<string, Promise<unknown>>()
  const servers = new Set<Server>()
  let version: string | undefined

  async function start(args: string[], env: Environment, ready?: string): Promise<Server> {
    signal.throwIfAborted()
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const child = startChild(process.execPath, args, { ...env, PORT: String(port) })
    const server = { ...child, url }
    servers.add(server)
    await untilReady(child, url + (ready ?? '/'), ready !== undefined)
    return server
  }

  async function endServers(): Promise<void> {
    await Promise.all([...servers].map((server) => server.stop()))
    servers.clear()
  }

  return {
    plan,
    load,
    folder,
    say,
    async graph(name = 'main') {
      if (!graphs.has(name)) say('starts a Neo4j')
      const graph = graphs.get(name) ?? startGraph(signal)
      graphs.set(name, graph)
      version = (await graph).version
      return graph
    },
    async service(env) {
      const DATA_DIR = env.DATA_DIR ?? (await mkdtemp(join(folder, 'data-')))
      const program = join(root, 'bin', 'sessiongraph.js')
      return start([program, 'serve'], { ...QUIET, DATA_DIR, ...env }, '/readyz')
    },
    baseline(name, env = {}) {
      return start([join(root, 'bench', 'baselines', `${name}.ts`)], { ...QUIET, ...env })
    },
    drive(job) {
      signal.throwIfAborted()
      const whole = { method: 'GET', as: 'token', from: 0, count: 1, connections: 1, seconds: 60 }
      return drive(folder, { ...whole, ...job } as Job)
    },
    once<T>(name: string, make: () => Promise<T>) {
      const there = (made.get(name) as Promise<T> | undefined) ?? make()
      made.set(name, there)
      return there
    },
    endServers,
    async close() {
      await endServers()
      const started = await Promise.allSettled(graphs.values())
      for (const graph of started) if (graph.status === 'fulfilled') await graph.value.stop()
    },
    neo4jVersion: () => version,
    serversSaid: () =>
      [...servers].map(({ url, output, exited }) => {
        const state = exited() === undefined ? 'runs' : `ended with exit code ${exited()}`
        return `${url} ${state}\n${output().slice(-2_000)}`.trimEnd()
      }),
  }
}

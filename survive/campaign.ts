import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../private/neo4j-bolt.ts'
import { createProxy } from '../test/support/tcp-proxy.ts'
import { FAKETIME, hasFaketime } from './faketime.ts'
import type { Victims } from './faults/kinds.ts'
import { impossible, startNemesis } from './faults/nemesis.ts'
import { type GraphServer, mountDisk } from './graph.ts'
import { createRecorder, type Recorder } from './history.ts'
import { type Client, createClient } from './load/client.ts'
import { floodWith } from './load/flood.ts'
import { startLoad } from './load/load.ts'
import type { Plan } from './plan.ts'
import { schedulePrunes } from './prunes.ts'
import { createRandom } from './random.ts'
import { createReplica, type Replica } from './replica.ts'
import { searchAll, searchMetrics } from './search.ts'
import { secretFor } from './secrets.ts'
import { watchPauses, watchVitals } from './watch.ts'

/** The file of a campaign's folder that its history is in. */
export const HISTORY = 'history.jsonl'

const DISK_MEGABYTES = 96
/** How long everything is left in peace at the end, so that what was promised can be looked at, in ms. */
const REST_MS = 3_000
/** So many acknowledgements show that the load is under way; it is not waited for longer than that, in ms. */
const UNDER_WAY = 200
const COLD_MS = 60_000
const HURRIED_REST_MS = 1_500

interface CampaignOptions {
  plan: Plan
  /** The Neo4j to use; none for the embedded graph. */
  graph?: GraphServer | undefined
  /** The folder that the history and the logs are left in. */
  home: string
  signal: AbortSignal
  say(line: string): void
}

/** What a campaign could not do on this machine, a line each. */
export interface Ran {
  skipped: string[]
}

/** Runs one campaign to its end and leaves its history; what it started is gone then. */
export async function runCampaign(options: CampaignOptions): Promise<Ran> {
  const { plan, graph, home, signal, say } = options
  const folder = await mkdtemp(join(tmpdir(), 'sessiongraph-survive-'))
  await rm(home, { recursive: true, force: true })
  await mkdir(home, { recursive: true })
  const recorder = createRecorder(join(home, HISTORY))
  const random = createRandom(String(plan.seed))
  const data = join(folder, 'data')
  const disk = plan.faults.includes('disk') ? await mountDisk(data, DISK_MEGABYTES) : undefined
  await mkdir(data, { recursive: true })
  const names = plan.engine === 'neo4j' ? ['a', 'b'] : ['a']
  const replicas: Replica[] = []
  const clients: Client[] = []
  const closing: (() => unknown)[] = []
  try {
    begin(recorder, plan, names)
    for (const name of names) {
      const proxy = graph && (await createProxy(graph.uri))
      if (proxy) closing.push(() => proxy.close())
      const replica = await createReplica({
        name,
        root: plan.root,
        port: await freePort(),
        folder: home,
        env: settingsOf(plan, data, proxy?.port),
        ...(proxy && { proxy }),
        recorder,
        faketime: hasFaketime && plan.faults.includes('clock') ? FAKETIME : undefined,
      })
      replicas.push(replica)
      clients.push(createClient(name, replica.url))
    }
    await Promise.all(replicas.map((replica) => replica.start()))
    const victims: Victims = {
      replicas,
      graph,
      disk: disk && data,
      hasClocks: hasFaketime,
      flood: floodWith(plan, clients, recorder, random.fork('flood')),
    }
    const watches = [watchPauses(recorder), watchVitals(replicas, clients, recorder)]
    const prunes = schedulePrunes(plan, settingsOf(plan, data, port(graph)), recorder)
    const load = startLoad({ plan, clients, recorder, random: random.fork('load') })
    closing.push(() => load.stop())
    await underWay(recorder, signal)
    const nemesis = startNemesis({
      plan,
      victims,
      random: random.fork('faults'),
      recorder,
      onFault: say,
    })
    closing.push(() => Promise.all([nemesis.stop(), prunes.stop()]))
    const rest = plan.faults.length === 0 ? HURRIED_REST_MS : REST_MS
    const working = Math.max(1_000, plan.seconds * 1000 - rest)
    await delay(working, undefined, { signal }).catch(() => undefined)
    await nemesis.stop()
    if (!signal.aborted) await delay(rest, undefined, { signal }).catch(() => undefined)
    await Promise.all([load.stop(), prunes.stop()])
    for (const watch of watches) watch.stop()
    await searchMetrics(clients, recorder)
    await Promise.all(replicas.map((replica) => replica.end('SIGTERM')))
    await searchAll({ replicas, clients, folder: graph?.folder ?? data, recorder })
    const left = impossible(victims)
    const wanted = plan.faults.filter((name) => left[name] !== undefined)
    return { skipped: wanted.map((name) => `${name}: ${left[name]}`) }
  } finally {
    await Promise.all(replicas.map((replica) => replica.end('SIGKILL')))
    for (const close of closing) await close()
    for (const client of clients) client.close()
    await recorder.close()
    await disk?.unmount()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Faults that happen before anything works show nothing: a graph that has just started is slow. */
async function underWay(recorder: Recorder, signal: AbortSignal): Promise<void> {
  const patience = recorder.now() + COLD_MS
  while (recorder.done() < UNDER_WAY && recorder.now() < patience && !signal.aborted)
    await delay(50)
}

function begin(recorder: Recorder, plan: Plan, replicas: string[]): void {
  const { engine, seed, command, stalenessMs, graceMs } = plan
  recorder.write({
    kind: 'campaign',
    engine,
    seed,
    command,
    date: new Date().toISOString(),
    replicas,
    stalenessMs,
    graceMs,
    answerMs: 3_000,
  })
}

function port(graph: GraphServer | undefined): number | undefined {
  return graph && Number(new URL(graph.uri).port)
}

/** Settings in which minutes show what takes days otherwise. */
function settingsOf(plan: Plan, data: string, boltPort: number | undefined) {
  return {
    DATA_DIR: data,
    JWT_SECRET: secretFor('jwt', plan.seed, 'of the campaign'),
    PASSWORD_PEPPER: secretFor('pepper', plan.seed),
    BCRYPT_COST: '4',
    TOKEN_TTL_SECONDS: String(plan.tokenSeconds),
    SESSION_TTL_SECONDS: String(4 * plan.tokenSeconds),
    REFRESH_GRACE_SECONDS: String(plan.graceMs / 1000),
    PRUNE_SCHEDULE: '*/5 * * * * *',
    BLACKLIST_MAX_STALENESS_MS: String(plan.stalenessMs),
    // Policy that ends sessions or refuses log-ins by itself is not what is looked at.
    MAX_SESSIONS_PER_USER: '0',
    LOGIN_FAILURES_PER_ACCOUNT: '0',
    LOGIN_FAILURES_PER_SOURCE: '0',
    LOGIN_FAILURES_IN_ALL: '0',
    AUDIT_LOG: 'off',
    ...(boltPort && { NEO4J_URI: `bolt://127.0.0.1:${boltPort}` }),
    ...plan.settings,
  }
}

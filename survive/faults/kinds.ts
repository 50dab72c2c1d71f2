import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { COMMIT } from '../../test/support/tcp-proxy.ts'
import type { GraphServer } from '../graph.ts'
import type { Fault, Recorder } from '../history.ts'
import type { FaultName } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Replica } from '../replica.ts'

/** What can fail. */
export interface Victims {
  replicas: Replica[]
  graph: GraphServer | undefined
  /** The embedded graph's folder, where it has a disk of its own. */
  disk: string | undefined
  /** Whether the replicas' clocks can be set. */
  hasClocks: boolean
  /** Sends a flood of log-ins for so long. */
  flood(replica: Replica, ms: number): Promise<void>
}

interface Happening {
  victims: Victims
  random: Random
  recorder: Pick<Recorder, 'now'>
  /** How long it lasts, in ms. */
  ms: number
}

type Happened = Omit<Fault, 'kind' | 'fault'>

/** A fault, from its beginning until all of it is over; what happened is told with its times. */
type Happen = (happening: Happening) => Promise<Happened>

/** Until a signal has stopped all of a process's threads, in ms. */
const SETTLE_MS = 20
/** How long libfaketime holds on to what it has read, and the service's look at the graph's clock. */
const CLOCK_MS = 2_500
const HOURS = [-2, 0, 2]
/** Parts of statements that write, in any Cypher. */
const WRITES = [COMMIT, 'CREATE ', 'MERGE ', 'DELETE ']

export const kinds: Record<FaultName, Happen> = {
  'kill-service': (happening) => restarted(happening, 'SIGKILL'),
  'term-service': (happening) => restarted(happening, 'SIGTERM'),

  async 'stop-service'({ victims, random, recorder, ms }) {
    const replica = random.pick(victims.replicas)
    const at = recorder.now()
    replica.signal('SIGSTOP')
    await delay(ms)
    replica.signal('SIGCONT')
    return { target: replica.name, stopped: replica.name, at, end: recorder.now() }
  },

  async 'kill-graph'({ victims, recorder, ms }) {
    const graph = graphOf(victims)
    await graph.signal('SIGKILL')
    const at = recorder.now()
    await delay(ms)
    const end = recorder.now()
    await graph.restart()
    const severed = names(victims)
    return { target: 'graph', severed, graphDown: true, at, end, back: recorder.now() }
  },

  async 'stop-graph'({ victims, recorder, ms }) {
    const graph = graphOf(victims)
    await graph.signal('SIGSTOP')
    await delay(SETTLE_MS)
    const at = recorder.now()
    await delay(ms)
    const end = recorder.now()
    await graph.signal('SIGCONT')
    return { target: 'graph', severed: names(victims), at, end }
  },

  async cut({ victims, random, recorder, ms }) {
    const { name, proxy } = proxied(victims, random)
    proxy.cut()
    const at = recorder.now()
    await delay(ms)
    const end = recorder.now()
    await proxy.heal()
    return { target: name, severed: [name], at, end }
  },

  silence: (happening) => silenced(happening, 'both'),
  'silence-up': (happening) => silenced(happening, 'up'),
  'silence-down': (happening) => silenced(happening, 'down'),

  async delay({ victims, random, recorder, ms }) {
    const { name, proxy } = proxied(victims, random)
    const late = random.between(100, 1_500)
    const at = recorder.now()
    proxy.delay(late)
    await delay(ms)
    await proxy.heal()
    return { target: name, at, end: recorder.now(), detail: `${late} ms` }
  },

  async swallow({ victims, random, recorder, ms }) {
    const { name, proxy } = proxied(victims, random)
    const at = recorder.now()
    const till = at + ms
    let swallowed = 0
    while (recorder.now() < till) {
      const done = proxy.swallowReply(WRITES, random.pick(['cut', 'silence']))
      const isDone = await Promise.race([
        done.then(() => true),
        delay(till - recorder.now(), false),
      ])
      if (isDone) swallowed += 1
      await delay(random.between(20, 300))
    }
    await proxy.heal()
    return { target: name, at, end: recorder.now(), detail: `${swallowed} replies` }
  },

  async clock({ victims, random, recorder }) {
    const replica = random.pick(victims.replicas)
    const hours = random.pick(HOURS.filter((other) => other !== replica.hours()))
    const at = recorder.now()
    await replica.setClock(hours)
    await delay(CLOCK_MS)
    const isGraph = victims.graph === undefined && { graphClock: true as const }
    return { target: replica.name, at, end: recorder.now(), ...isGraph, detail: `${hours} h` }
  },

  async disk({ victims, recorder, ms }) {
    const file = join(victims.disk as string, 'filler')
    const at = recorder.now()
    await fill(file)
    await delay(ms)
    await rm(file, { force: true })
    return { target: 'disk', graphDown: true, at, end: recorder.now() }
  },

  async flood({ victims, random, recorder, ms }) {
    const replica = random.pick(victims.replicas)
    const at = recorder.now()
    await victims.flood(replica, ms)
    return { target: replica.name, at, end: recorder.now() }
  },
}

async function restarted(
  { victims, random, recorder }: Happening,
  signal: 'SIGKILL' | 'SIGTERM',
): Promise<Happened> {
  const replica = random.pick(victims.replicas)
  const at = recorder.now()
  await replica.end(signal)
  // A process that has gone on by the old clock goes by the new one from here on; and while the clock
  // is behind, nobody can tell how long none ran.
  const graphClock = replica.wasClockSet() && { graphClock: true as const }
  await delay(random.between(0, 1_000))
  await replica.start()
  const isGraph = victims.graph === undefined && { graphDown: true as const, ...graphClock }
  return { target: replica.name, at, end: recorder.now(), ...isGraph }
}

async function silenced(
  { victims, random, recorder, ms }: Happening,
  direction: 'up' | 'down' | 'both',
): Promise<Happened> {
  const { name, proxy } = proxied(victims, random)
  proxy.silence(direction)
  const at = recorder.now()
  await delay(ms)
  const end = recorder.now()
  await proxy.heal()
  return { target: name, severed: [name], at, end }
}

/** Writes until nothing more fits. */
async function fill(file: string): Promise<void> {
  for (let bytes = 2 ** 20; bytes >= 512; ) {
    const chunk = Buffer.alloc(bytes)
    const isFull = await writeFile(file, chunk, { flag: 'a' }).then(
      () => false,
      () => true,
    )
    if (isFull) bytes /= 2
  }
}

function graphOf({ graph }: Victims): GraphServer {
  if (graph === undefined) throw new Error('the embedded graph has no server')
  return graph
}

function names({ replicas }: Victims): string[] {
  return replicas.map(({ name }) => name)
}

function proxied({ replicas }: Victims, random: Random) {
  const { name, proxy } = random.pick(replicas)
  if (proxy === undefined) throw new Error(`${name} has no way to Neo4j`)
  return { name, proxy }
}

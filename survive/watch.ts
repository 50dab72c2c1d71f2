import { readdir, readFile } from 'node:fs/promises'
import { residentBytes } from '../bench/child.ts'
import type { Recorder } from './history.ts'
import type { Client } from './load/client.ts'
import type { Replica } from './replica.ts'

export interface Watch {
  stop(): void
}

/** How late the campaign's own loop may be before that counts as a pause, in ms. */
const LATE_MS = 20
const TICK_MS = 20
const VITALS_MS = 500

/** Records when the campaign's own process stood still. */
export function watchPauses(recorder: Recorder): Watch {
  let before = recorder.now()
  const timer = setInterval(() => {
    const now = recorder.now()
    if (now - before > TICK_MS + LATE_MS) recorder.write({ kind: 'pause', at: before, end: now })
    before = now
  }, TICK_MS)
  return { stop: () => clearInterval(timer) }
}

/** How long a process was ready to run and no core was free for it, in ms so far (Linux; else 0). */
async function waited(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '')
  return Math.round(Number(text.split(' ')[1] ?? 0) / 1e6)
}

/** Records how much memory each replica takes, and how many files it has open. */
export function watchVitals(replicas: Replica[], clients: Client[], recorder: Recorder): Watch {
  const counted = new Map<number, number>()

  async function look(replica: Replica, client: Client): Promise<void> {
    const pid = replica.pid()
    if (pid === 0) return
    const sentBefore = counted.get(pid) ?? client.requests()
    counted.set(pid, sentBefore)
    const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
    const bytes = await residentBytes(pid).catch(() => 0)
    if (bytes === 0) return
    recorder.write({
      kind: 'vital',
      at: recorder.now(),
      replica: replica.name,
      pid,
      residentBytes: bytes,
      openFiles: files.length,
      waitedMs: await waited(pid),
      requests: client.requests() - sentBefore,
    })
  }

  const timer = setInterval(() => {
    replicas.forEach((replica, i) => {
      void look(replica, clients[i] as Client)
    })
  }, VITALS_MS)
  return { stop: () => clearInterval(timer) }
}

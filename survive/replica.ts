import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { TcpProxy } from '../test/support/tcp-proxy.ts'
import type { Recorder } from './history.ts'

/** A process of the service, started again as often as it is ended. */
export interface Replica {
  name: string
  url: string
  /** Where its log is. */
  log: string
  /** Its way to Neo4j. */
  proxy: TcpProxy | undefined
  /** 0 while it does not run. */
  pid(): number
  /** Starts it; resolves when it says that it is ready, or has ended. */
  start(): Promise<void>
  signal(name: NodeJS.Signals): void
  /** Sends a signal that ends it, and waits until it is gone. */
  end(name: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** How far its wall clock is from the real one, in hours. */
  hours(): number
  /** Whether it was ever set otherwise. */
  wasClockSet(): boolean
  setClock(hours: number): Promise<void>
}

interface ReplicaOptions {
  name: string
  /** The checkout whose service runs. */
  root: string
  port: number
  folder: string
  env: Record<string, string>
  proxy?: TcpProxy
  recorder: Recorder
  /** The path of libfaketime, where clocks are to be set. */
  faketime?: string | undefined
}

/** How long one that was told to stop may take, in ms, before it is killed. */
const STOP_MS = 15_000

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export async function createReplica(options: ReplicaOptions): Promise<Replica> {
  const { name, root, port, folder, env, proxy, recorder, faketime } = options
  const url = `http://127.0.0.1:${port}`
  const log = join(folder, `${name}.log`)
  const clock = join(folder, `${name}.clock`)
  await writeFile(clock, '+0\n')
  const { PATH, HOME } = process.env
  const settings = { PATH, HOME, HOST: '127.0.0.1', PORT: String(port), ...env }
  const faked = faketime && {
    LD_PRELOAD: faketime,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  let hours = 0
  let wasClockSet = false
  let child: ChildProcess | undefined
  let gone: Promise<unknown> = Promise.resolve()
  let sent: { name: string; at: number } | undefined

  async function start(): Promise<void> {
    const output = await open(log, 'a')
    const at = recorder.now()
    const started = spawn(process.execPath, [join(root, 'bin', 'sessiongraph.js'), 'serve'], {
      cwd: folder,
      env: { ...settings, ...faked },
      stdio: ['ignore', output.fd, output.fd],
    })
    child = started
    sent = undefined
    running.add(started)
    await output.close()
    gone = once(started, 'exit').then(([code, signal]) => {
      running.delete(started)
      if (child === started) child = undefined
      const end = recorder.now()
      const told = sent && { sent: sent.name }
      recorder.write({
        kind: 'exit',
        replica: name,
        at: sent?.at ?? end,
        end,
        code,
        signal,
        ...told,
      })
    })
    while (child === started) {
      const answer = await fetch(`${url}/readyz`).catch(() => undefined)
      await answer?.arrayBuffer().catch(() => undefined)
      if (answer?.status === 200) {
        recorder.write({ kind: 'start', replica: name, at, end: recorder.now() })
        return
      }
      await delay(20)
    }
  }

  return {
    name,
    url,
    log,
    proxy,
    pid: () => child?.pid ?? 0,
    start,
    signal(signal) {
      child?.kill(signal)
    },
    async end(signal) {
      sent ??= { name: signal, at: recorder.now() }
      const ending = child
      ending?.kill('SIGCONT')
      ending?.kill(signal)
      const patience = setTimeout(() => ending?.kill('SIGKILL'), STOP_MS)
      await gone
      clearTimeout(patience)
    },
    hours: () => hours,
    wasClockSet: () => wasClockSet,
    async setClock(to) {
      hours = to
      wasClockSet = true
      await writeFile(clock, `${to < 0 ? '' : '+'}${to}h\n`)
    },
  }
}

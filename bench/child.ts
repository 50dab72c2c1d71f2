import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url))

export type Environment = Record<string, string | undefined>

/** A process that was started here. */
export interface Child {
  pid: number
  /** Everything it has printed so far, on either stream. */
  output(): string
  /** The exit code, or nothing while it runs. */
  exited(): number | undefined
  /** Ends it and waits until it is gone; may be called again. */
  stop(): Promise<void>
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a command with these settings and none of this process's. */
export function startChild(file: string, args: string[], env: Environment = {}): Child {
  const { PATH, HOME } = process.env
  const child = spawn(file, args, { cwd: root, env: { PATH, HOME, ...env } })
  running.add(child)
  let output = ''
  let code: number | undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-100_000)
    })
  }
  child.on('error', (error) => {
    output += error.message
  })
  const gone = once(child, 'close').catch(() => [1])
  const ended = gone.then(([exitCode, signal]) => {
    code = exitCode ?? 1
    if (signal) output += `\nended by ${signal}`
    running.delete(child)
  })
  return {
    pid: child.pid ?? 0,
    output: () => output,
    exited: () => code,
    async stop() {
      child.kill('SIGTERM')
      const patience = setTimeout(() => child.kill('SIGKILL'), 12_000)
      await ended
      clearTimeout(patience)
    },
  }
}

/** Runs a command to its end and gives what it printed; throws when it fails or takes too long. */
export async function runChild(file: string, args: string[], withinMs: number): Promise<string> {
  const child = startChild(file, args)
  const end = performance.now() + withinMs
  while (child.exited() === undefined) {
    if (performance.now() > end) {
      await child.stop()
      throw new Error(`${file} did not end within ${withinMs / 1000} s`)
    }
    await delay(10)
  }
  if (child.exited() === 0) return child.output()
  throw new Error(`${file} failed:\n${child.output()}`)
}

/** Waits until an address answers, with 200 where asked for; throws when its process ends before. */
export async function untilReady(child: Child, url: string, needs200: boolean): Promise<void> {
  const end = performance.now() + 60_000
  while (performance.now() < end) {
    if (child.exited() !== undefined) break
    const answer = await fetch(url).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer && (!needs200 || answer.status === 200)) return
    await delay(50)
  }
  await child.stop()
  throw new Error(`no server at ${url}:\n${child.output()}`)
}

/** The resident memory of a process in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const [, found] = /VmRSS:\s+(\d+) kB/.exec(status) ?? []
  if (found) return Number(found) * 1024
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
  return Number(stdout) * 1024
}

/** The path of a command, or nothing where it is not on the PATH. */
export async function commandPath(name: string): Promise<string | undefined> {
  const which = promisify(execFile)('/bin/sh', ['-c', `command -v ${name}`])
  return which.then(
    ({ stdout }) => stdout.trim() || undefined,
    () => undefined,
  )
}

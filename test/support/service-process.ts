import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Answer, type Sending, send } from './http-client.ts'

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'bin', 'sessiongraph.js')

export type Environment = Record<string, string | undefined>

/** The part of a test that is used here. */
interface Owner {
  teardown(end: () => Promise<void>): void
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
  /** Since it was first told to stop, otherwise since it was started. */
  ms: number
}

export interface Service {
  url: string
  pid: number
  dataDir: string
  /** Everything it has printed so far, on either stream. */
  output(): string
  /** Its log so far. Throws if a line is not JSON. */
  logs(): Record<string, unknown>[]
  /** Waits until it has printed the pattern. Rejects if it ends without. */
  said(pattern: RegExp): Promise<RegExpExecArray>
  /** Waits until it says that it can serve: on Neo4j it listens before it has reached the graph. */
  ready(): Promise<void>
  request(method: string, path: string, sending?: Sending): Promise<Answer>
  signal(name: NodeJS.Signals): void
  /** Types on its terminal, where its command gives it one. */
  type(keys: string): void
  /** Closes the pipe that takes its log, as a reader does that has gone. */
  deafen(): void
  exited: Promise<Exit>
}

/** The graphs that can be tested here, each with the settings that make a service use it. */
export const graphs: { name: string; env: Environment }[] = [
  { name: 'the embedded graph', env: {} },
]
if (process.env.NEO4J_TEST_URI) {
  const password = process.env.NEO4J_TEST_PASSWORD
  graphs.push({
    name: 'Neo4j',
    env: {
      NEO4J_URI: process.env.NEO4J_TEST_URI,
      NEO4J_USERNAME: password && process.env.NEO4J_TEST_USERNAME,
      NEO4J_PASSWORD: password,
      JWT_SECRET: 'shared by every replica that is tested',
    },
  })
}

/**
 * Starts the service and waits until it listens: on a free port, in a folder of its own (or DATA_DIR),
 * with cheap hashes and none of this process's settings. It ends with the test, as its folder does.
 * Another `command` runs from the checkout in a process group of its own.
 */
export async function startService(
  t: Owner,
  env: Environment = {},
  command?: [string, ...string[]],
): Promise<Service> {
  const dataDir = env.DATA_DIR ?? join(await temporaryFolder(t), 'data')
  const [file, ...args] = command ?? [process.execPath, program, 'serve']
  const started = performance.now()
  let stopped: number | undefined
  const child = spawn(file, args, {
    cwd: root,
    env: { ...bare(), BCRYPT_COST: '4', PORT: '0', ...env, DATA_DIR: dataDir },
    detached: command !== undefined,
  })
  let output = ''
  let log = ''
  let exit: Exit | undefined
  const changes = new EventEmitter().setMaxListeners(0)
  function hear(text: string): void {
    output += text
    changes.emit('change')
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    log += text
    hear(text)
  })
  child.stderr.setEncoding('utf8').on('data', hear)
  // Keys may be typed at what has just ended.
  child.stdin.on('error', () => undefined)
  const exited = once(child, 'close').then(([code, signal]) => {
    exit = { code, signal, ms: performance.now() - (stopped ?? started) }
    changes.emit('change')
    return exit
  })
  t.teardown(async () => {
    if (command) killGroup(child.pid)
    else child.kill('SIGKILL')
    await exited
  })

  async function said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(output)
      if (found) return found
      if (exit) throw new Error(`it ended without saying ${pattern}, but:\n${output}`)
      await once(changes, 'change')
    }
  }

  const [, url = ''] = await said(/listening on (https?:\/\/[\w.:[\]]+)/)
  const request = (method: string, path: string, sending: Sending = {}) =>
    send(url, { ...sending, method, path })
  return {
    url,
    pid: child.pid as number,
    dataDir,
    output: () => output,
    logs: () => log.split('\n').slice(0, -1).map(parseLine),
    said,
    async ready() {
      while ((await request('GET', '/readyz')).status !== 200) await delay(50)
    },
    request,
    signal(name) {
      stopped ??= performance.now()
      child.kill(name)
    },
    type(keys) {
      stopped ??= performance.now()
      child.stdin.write(keys)
    },
    deafen() {
      child.stdout.destroy()
    },
    exited,
  }
}

/** A command's end and what it printed. */
export interface Ran extends Exit {
  stdout: string
  stderr: string
}

/**
 * Runs a command of the program that ends by itself (within 20 s, or it is killed), with the settings
 * given and no others, in an empty folder. `node` may be another Node than this one; `input` is what it
 * reads.
 */
export async function runCommand(
  args: string[],
  env: Environment = {},
  { node = process.execPath, input = '' }: { node?: string; input?: string } = {},
): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), 'sessiongraph-test-'))
  const started = performance.now()
  const options = { cwd: folder, env: { ...bare(), ...env } }
  const child = spawn(node, [program, ...args], {
    ...options,
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const ran = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      ran[name] += text
    })
  }
  try {
    const [code, signal] = await once(child, 'close')
    return { ...ran, code, signal, ms: performance.now() - started }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** An empty folder that ends with the test. */
export async function temporaryFolder(t: Owner): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sessiongraph-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Whether any process of a group is left. */
export function isGroupAlive(group: number): boolean {
  try {
    return process.kill(-group, 0)
  } catch {
    return false
  }
}

/** Ends every process of a group that is left. */
export function killGroup(group: number | undefined): void {
  if (group && isGroupAlive(group)) process.kill(-group, 'SIGKILL')
}

function bare(): Environment {
  return { PATH: process.env.PATH, HOME: process.env.HOME }
}

function parseLine(line: string): Record<string, unknown> {
  return JSON.parse(line) as Record<string, unknown>
}

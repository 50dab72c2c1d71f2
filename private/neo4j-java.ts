import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, open, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Neo4j, Neo4jOptions } from './neo4j.ts'
import { freePort, START_TIMEOUT_MS, waitForBolt } from './neo4j-bolt.ts'

const FOLDERS = ['conf', 'data', 'logs', 'run', 'plugins', 'import', 'licenses']

const OPENS = ['java.nio', 'java.io', 'sun.nio.ch', 'java.util.concurrent'].map(
  (name) => `--add-opens=java.base/${name}=ALL-UNNAMED`,
)

/** Starts Neo4j from a folder of jars; it ends with `stop`, or with this process at the latest. */
export async function startOnJava(
  java: string,
  lib: string,
  options: Neo4jOptions,
): Promise<Neo4j> {
  const { password, env, signal } = options
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'neo4j-')))
  const port = options.port || (await freePort())
  const command = [java, '-Xms512m', '-Xmx768m', ...OPENS, '-cp', join(lib, '*')]
  let server: ChildProcess | undefined
  let ended = Promise.resolve()

  process.once('exit', abandon)
  function abandon() {
    // Kept data is worth an orderly end, which a server that was told to end finishes by itself.
    server?.kill(options.home ? 'SIGTERM' : 'SIGKILL')
    if (!options.home) rmSync(home, { recursive: true, force: true, maxRetries: 3 })
  }

  async function send(name: NodeJS.Signals): Promise<void> {
    server?.kill(name)
  }

  let stopping: Promise<void> | undefined
  function stop(): Promise<void> {
    stopping ??= end()
    return stopping
  }
  async function end() {
    server?.kill('SIGTERM')
    const patience = setTimeout(() => server?.kill('SIGKILL'), 20_000)
    await ended
    clearTimeout(patience)
    process.off('exit', abandon)
    if (!options.home) rmSync(home, { recursive: true, force: true, maxRetries: 3 })
  }

  const address = { uri: `bolt://127.0.0.1:${port}`, username: 'neo4j', password: password ?? '' }
  try {
    await prepare(home, port, password !== undefined)
    if (password !== undefined) await setPassword(command, home, password, env)
    signal?.throwIfAborted()
    server = await launch(command, home, env)
    const died = new AbortController()
    ended = once(server, 'exit').then(
      () => died.abort(new Error('its process ended')),
      (error) => died.abort(error),
    )
    const version = await waitForBolt(address, START_TIMEOUT_MS, signal, died.signal)
    return { how: 'maven', ...address, version, ended, signal: send, stop }
  } catch (error) {
    const log = await endOfLogs(home)
    await stop()
    signal?.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`Neo4j did not start: ${reason}\n${log}`.trimEnd())
  }
}

async function prepare(home: string, port: number, authenticate: boolean): Promise<void> {
  for (const folder of FOLDERS) await mkdir(join(home, folder), { recursive: true })
  const settings = [
    'server.default_listen_address=127.0.0.1',
    'server.bolt.enabled=true',
    `server.bolt.listen_address=127.0.0.1:${port}`,
    `server.bolt.advertised_address=127.0.0.1:${port}`,
    'server.http.enabled=false',
    'server.https.enabled=false',
    `dbms.security.auth_enabled=${authenticate}`,
    'dbms.usage_report.enabled=false',
    'server.memory.pagecache.size=128m',
    // Else a stop waits ten seconds for connections that are gone.
    'internal.dbms.bolt.netty_server_shutdown_quiet_period=0',
  ]
  await writeFile(join(home, 'conf', 'neo4j.conf'), `${settings.join('\n')}\n`)
}

/** Gives new data its password; data that has been used keeps the one it has. */
async function setPassword(
  [java = '', ...args]: string[],
  home: string,
  password: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  if (existsSync(join(home, 'data', 'databases'))) return
  const tool = ['org.neo4j.cli.AdminTool', 'dbms', 'set-initial-password', password]
  await promisify(execFile)(java, [...args, ...tool], {
    env: { ...env, NEO4J_HOME: home, NEO4J_CONF: join(home, 'conf') },
  }).catch(({ stderr }: { stderr: string }) => {
    // Not the error's own message, which is the command line with the password in it.
    throw new Error(`it took no password: ${stderr.split('\n', 1)}`)
  })
}

async function launch([java = '', ...args]: string[], home: string, env: NodeJS.ProcessEnv) {
  const entry = 'org.neo4j.server.CommunityEntryPoint'
  const folders = [`--home-dir=${home}`, `--config-dir=${join(home, 'conf')}`]
  const output = await open(join(home, 'logs', 'console.log'), 'w')
  try {
    const stdio = ['ignore', output.fd, output.fd] as const
    return spawn(java, [...args, entry, ...folders], { env, stdio: [...stdio] })
  } finally {
    await output.close()
  }
}

async function endOfLogs(home: string): Promise<string> {
  const files = ['console.log', 'neo4j.log'].map((name) => join(home, 'logs', name))
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
  return texts.join('').trimEnd().split('\n').slice(-10).join('\n')
}

import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  type Environment,
  runCommand,
  startService,
  temporaryFolder,
} from '../support/service-process.ts'

const TELL_TALE = 'tell-tale'
const SECRET = `${TELL_TALE} and as long as a secret has to be`

/** Starts the service with what it must refuse: a line that names the setting, within 5 s. */
async function refuses(t: ExecutionContext, env: Environment, line: RegExp): Promise<void> {
  const { code, stdout, stderr, ms } = await runCommand(['serve'], { PORT: '0', ...env })
  t.is(code, 1, stderr)
  t.true(ms < 5_000, `${ms} ms`)
  t.is(stdout, '')
  t.regex(stderr, line)
  t.is(stderr.trimEnd().split('\n').length, 1, stderr)
  t.false(stderr.includes(TELL_TALE), 'never its value')
}

async function secretFile(t: ExecutionContext, mode: number): Promise<string> {
  const path = join(await temporaryFolder(t), 'secret')
  await writeFile(path, `${SECRET}\n`)
  await chmod(path, mode)
  return path
}

test.serial('Start-up: a secret under 32 bytes is refused', async (t) => {
  await refuses(
    t,
    { JWT_SECRET: `${TELL_TALE} is too short` },
    /^sessiongraph: JWT_SECRET .*32 bytes/,
  )
})

test.serial('Start-up: a file of a secret that others can read is refused', async (t) => {
  for (const mode of [0o644, 0o604, 0o602, 0o666, 0o777]) {
    const JWT_SECRET_FILE = await secretFile(t, mode)
    await refuses(
      t,
      { JWT_SECRET_FILE },
      /^sessiongraph: JWT_SECRET_FILE .*only its owner.*chmod 600/,
    )
  }
})

test.serial('Start-up: a file of a secret that its owner alone can read is taken', async (t) => {
  for (const mode of [0o600, 0o400]) {
    const service = await startService(t, { JWT_SECRET_FILE: await secretFile(t, mode) })
    t.is((await service.request('GET', '/healthz')).status, 200)
    service.signal('SIGTERM')
    t.is((await service.exited).code, 0)
  }
})

test.serial('Start-up: a file of a secret that cannot be read is refused', async (t) => {
  const missing = join(await temporaryFolder(t), TELL_TALE)
  await refuses(t, { JWT_SECRET_FILE: missing }, /^sessiongraph: JWT_SECRET_FILE .*can be read/)
})

test.serial("Start-up: the database's default password is refused", async (t) => {
  const graph = { NEO4J_URI: 'bolt://127.0.0.1:1', NEO4J_USERNAME: 'neo4j', JWT_SECRET: SECRET }
  await refuses(t, { ...graph, NEO4J_PASSWORD: 'neo4j' }, /^sessiongraph: NEO4J_PASSWORD .*default/)
})

test.serial('Start-up: an unknown setting is refused with the one that was meant', async (t) => {
  for (const [given, meant] of [
    ['NEO4J_URL', 'NEO4J_URI'],
    ['JWT_SECRETE', 'JWT_SECRET'],
    ['JWT_SERCET_FILE', 'JWT_SECRET_FILE'],
    ['BCRYPT_COSTS', 'BCRYPT_COST'],
    ['TRUSTED_PROXYS', 'TRUSTED_PROXIES'],
    ['LOGIN_FAILURE_PER_ACOUNT', 'LOGIN_FAILURES_PER_ACCOUNT'],
  ] as const) {
    const line = new RegExp(`^sessiongraph: ${given} is no setting: did you mean ${meant}\\?`)
    await refuses(t, { [given]: TELL_TALE }, line)
  }
})

test.serial('Start-up: a malformed setting is refused', async (t) => {
  for (const variable of [
    'PORT',
    'METRICS_PORT',
    'MAX_CONNECTIONS',
    'TRUSTED_PROXIES',
    'LOGIN_WINDOW_SECONDS',
    'LOGIN_FAILURES_IN_ALL',
    'AUDIT_LOG',
    'REUSE_DETECTION',
    'NEO4J_URI',
  ]) {
    const needs = variable === 'NEO4J_URI' ? { JWT_SECRET: SECRET } : {}
    const line = new RegExp(`^sessiongraph: ${variable} must be `)
    await refuses(t, { ...needs, [variable]: TELL_TALE }, line)
  }
})

test.serial('Start-up: an audit file that cannot be written is refused', async (t) => {
  const AUDIT_LOG = join(await temporaryFolder(t), 'nowhere', 'audit.log')
  const DATA_DIR = await temporaryFolder(t)
  await refuses(t, { AUDIT_LOG, DATA_DIR }, /^sessiongraph: AUDIT_LOG must name a file/)
})

test.serial('Start-up: a port of the metrics that is in use is named', async (t) => {
  const other = await startService(t)
  const env = { METRICS_PORT: new URL(other.url).port, DATA_DIR: await temporaryFolder(t) }
  const { code, stderr, ms } = await runCommand(['serve'], { PORT: '0', ...env })
  t.is(code, 1)
  t.true(ms < 5_000)
  t.regex(stderr, /^sessiongraph: .*in use; set HOST or METRICS_PORT/)
})

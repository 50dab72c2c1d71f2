import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { access, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { settings } from '../../private/config.ts'
import { bearer, json } from '../support/http-client.ts'
import {
  type Environment,
  root,
  runCommand,
  startService,
  temporaryFolder,
} from '../support/service-process.ts'

const ada = { username: 'ada', password: 'correct horse battery' }
const secrets = {
  JWT_SECRET: 'a secret that signs all the tokens',
  NEO4J_PASSWORD: 'a secret of the database',
  PASSWORD_PEPPER: 'a secret in every hash',
}

/** A port that something else listens on. */
async function portInUse(t: ExecutionContext): Promise<{ port: string; connections(): number }> {
  let connections = 0
  const server = createServer(() => {
    connections += 1
  })
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { port: String((server.address() as AddressInfo).port), connections: () => connections }
}

/** Runs the service with settings that it cannot start with. Gives the lines that it says. */
async function refusal(t: ExecutionContext, env: Environment): Promise<string[]> {
  const { code, stdout, stderr, ms } = await runCommand(['serve'], env)
  t.is(code, 1, stderr)
  t.true(ms < 5_000, `${ms} ms`)
  t.is(stdout, '')
  t.true(stderr.endsWith('\n'))
  return stderr.trimEnd().split('\n')
}

function mentions(lines: string[], variable: string): string[] {
  return lines.filter((line) => new RegExp(`^sessiongraph: .*\\b${variable}\\b`).test(line))
}

test.serial('all mistakes are reported at once, each with what is allowed', async (t) => {
  const { port } = await portInUse(t)
  const folder = await temporaryFolder(t)
  const empty = join(folder, 'empty')
  await writeFile(empty, '\n')
  const lines = await refusal(t, {
    // Had it tried to listen, or made its folder, one would see.
    PORT: port,
    DATA_DIR: join(folder, 'data'),
    JWT_SECRET: 'too short: tell-tale',
    PASSWORD_PEPPER: 'pepper: tell-tale',
    PASSWORD_PEPPER_FILE: empty,
    NEO4J_PASSWORD_FILE: join(folder, 'tell-tale'),
    NEO4J_URI: 'bolt://ada:tell-tale@graph.example:7687',
    TOKEN_TTL_SECONDS: '15m',
    SESSION_TTL_SECONDS: '-1',
    REFRESH_GRACE_SECONDS: '1.5',
    REUSE_DETECTION: 'yes',
    BCRYPT_COST: '3',
    HIDE_UNKNOWN_USERS: 'true',
    LOG_LEVEL: 'loud',
    SHUTDOWN_SECONDS: '0',
  })
  for (const [variable, allowed] of [
    ['JWT_SECRET', /at least 32 bytes/],
    ['PASSWORD_PEPPER', /PASSWORD_PEPPER_FILE.*not both/],
    ['NEO4J_PASSWORD_FILE', /ENOENT/],
    ['NEO4J_URI', /bolt:\/\/HOST:PORT/],
    ['TOKEN_TTL_SECONDS', /whole number from 1 to/],
    ['SESSION_TTL_SECONDS', /whole number from 1 to/],
    ['REFRESH_GRACE_SECONDS', /whole number from 0 to/],
    ['REUSE_DETECTION', /on or off/],
    ['BCRYPT_COST', /from 4 to 15/],
    ['HIDE_UNKNOWN_USERS', /on or off/],
    ['LOG_LEVEL', /fatal, error, warn, info, debug, trace or silent/],
    ['SHUTDOWN_SECONDS', /from 1 to/],
  ] as const) {
    const [line = '', ...others] = mentions(lines, variable)
    t.regex(line, allowed, variable)
    t.deepEqual(others, [], variable)
  }
  t.deepEqual(mentions(lines, 'PORT'), mentions(lines, 'NEO4J_URI'))
  t.notRegex(lines.join('\n'), /tell-tale|in use/)
  await t.throwsAsync(access(join(folder, 'data')), { code: 'ENOENT' })
})

test.serial('settings that do not go together are reported', async (t) => {
  const lines = await refusal(t, {
    NEO4J_URI: 'bolt://127.0.0.1:1',
    NEO4J_USERNAME: 'neo4j',
    TOKEN_TTL_SECONDS: '7200',
    SESSION_TTL_SECONDS: '3600',
  })
  t.is(lines.length, 3)
  t.is(mentions(lines, 'JWT_SECRET').length, 1)
  t.is(mentions(lines, 'NEO4J_PASSWORD').length, 1)
  t.is(mentions(lines, 'SESSION_TTL_SECONDS').length, 1)
})

test.serial('a port in use, and a folder that cannot be one, are a line each', async (t) => {
  const folder = await temporaryFolder(t)
  const { port, connections } = await portInUse(t)
  const inUse = await refusal(t, { PORT: port, DATA_DIR: join(folder, 'data') })
  t.is(inUse.length, 1)
  t.regex(inUse[0] ?? '', new RegExp(`^sessiongraph: .*\\b${port}\\b.* in use`))
  t.is(connections(), 0)

  const file = join(folder, 'file')
  await writeFile(file, 'kept')
  for (const DATA_DIR of [file, join(file, 'data')]) {
    const lines = await refusal(t, { PORT: '0', DATA_DIR })
    t.is(lines.length, 1)
    t.true(lines[0]?.startsWith('sessiongraph: '))
    t.true(lines[0]?.includes(DATA_DIR), lines[0])
    t.regex(lines[0] ?? '', /folder.*DATA_DIR/)
  }
  t.is(await readFile(file, 'utf8'), 'kept')
})

test.serial('a folder that another service has open is a line, and that one goes on', async (t) => {
  const first = await startService(t)
  const lines = await refusal(t, { PORT: '0', DATA_DIR: first.dataDir })
  t.is(lines.length, 1)
  t.true(lines[0]?.includes(first.dataDir))
  t.regex(lines[0] ?? '', /another process has it open.*DATA_DIR/)
  t.is((await first.request('POST', '/auth/user', json(ada))).status, 201)
})

test.serial('a kept secret that is too short is a line without it', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'jwt-secret'), 'tell-tale\n')
  const lines = await refusal(t, { PORT: '0', DATA_DIR: folder })
  t.is(lines.length, 1)
  t.regex(lines[0] ?? '', /jwt-secret.*32 bytes/)
  t.notRegex(lines[0] ?? '', /tell-tale/)
})

test.serial('a secret from a file is the same as one from its variable', async (t) => {
  const file = join(await temporaryFolder(t), 'secret')
  const secret = 'text of no less than thirty-two bytes'
  await writeFile(file, `${secret}\n`, { mode: 0o600 })
  const first = await startService(t, { JWT_SECRET_FILE: file })
  await first.request('POST', '/auth/user', json(ada))
  const { token } = (await first.request('POST', '/auth', json(ada))).json
  first.signal('SIGTERM')
  await first.exited
  await t.throwsAsync(access(join(first.dataDir, 'jwt-secret')), { code: 'ENOENT' })
  const second = await startService(t, { DATA_DIR: first.dataDir, JWT_SECRET: secret })
  t.is((await second.request('GET', '/auth', bearer(token))).status, 200)
})

test.serial('sessiongraph config prints every setting, secrets masked', async (t) => {
  const standard = await runCommand(['config'])
  t.is(standard.code, 0)
  t.is(standard.stderr, '')
  t.deepEqual(
    standard.stdout.trimEnd().split('\n'),
    Object.values(settings).map(({ variable, default: value }) => `${variable}=${value}`),
  )

  const file = join(await temporaryFolder(t), 'secret')
  await writeFile(file, secrets.PASSWORD_PEPPER, { mode: 0o600 })
  const { code, stdout } = await runCommand(['config'], {
    NEO4J_URI: 'neo4j+s://graph.example:7687',
    NEO4J_USERNAME: 'ada',
    NEO4J_PASSWORD: secrets.NEO4J_PASSWORD,
    JWT_SECRET: secrets.JWT_SECRET,
    PASSWORD_PEPPER_FILE: file,
    REUSE_DETECTION: 'off',
    PORT: '8080',
  })
  t.is(code, 0)
  const printed = Object.fromEntries(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/=(.*)/s) as [string, string]),
  )
  t.like(printed, {
    NEO4J_URI: 'neo4j+s://graph.example:7687',
    NEO4J_USERNAME: 'ada',
    REUSE_DETECTION: 'off',
    PORT: '8080',
    TOKEN_TTL_SECONDS: '900',
  })
  for (const [variable, secret] of Object.entries(secrets)) {
    t.regex(printed[variable] ?? '', /^\*+$/, variable)
    t.false(stdout.includes(secret))
  }

  const mistaken = await runCommand(['config'], { PORT: 'http', LOG_LEVEL: 'loud' })
  t.is(mistaken.code, 1)
  t.is(mistaken.stdout, '')
  t.regex(mistaken.stderr, /^sessiongraph: PORT .*\nsessiongraph: LOG_LEVEL .*\n$/)
})

test.serial(
  'an unknown command is a line and exit code 2; help lists the known ones',
  async (t) => {
    for (const args of [['tend'], ['serve', 'config'], ['toString']]) {
      const { code, stdout, stderr } = await runCommand(args)
      t.is(code, 2, args.join(' '))
      t.is(stdout, '')
      t.regex(stderr, /^sessiongraph: .*"sessiongraph help".*\n$/)
    }
    const { code, stdout } = await runCommand(['help'])
    t.is(code, 0)
    t.regex(stdout, /^ *serve .*^ *config .*^ *help /ms)
  },
)

test.serial('an older Node says which Node is needed', async (t) => {
  const faked = `Object.defineProperties(process, {
    version: { value: 'v22.9.1' },
    versions: { value: { ...process.versions, node: '22.9.1' } },
  })`
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(faked)}`
  const told = [await runCommand(['serve'], { NODE_OPTIONS })]
  t.regex(told[0]?.stderr ?? '', /v22\.9\.1/)
  const old = olderNode()
  if (old) told.push(await runCommand(['serve'], {}, { node: old }))
  else t.log('skipped: "an older Node" itself; none is on PATH, so one was only acted')
  for (const { code, stdout, stderr } of told) {
    t.is(code, 1)
    t.is(stdout, '')
    t.regex(stderr, /^sessiongraph needs Node\.js 24 or newer.*\n$/)
  }
})

test.serial('npm start replaces its shell with node', async (t) => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  t.regex(scripts.start, /^exec node bin\/sessiongraph\.js\b/)
})

function olderNode(): string | undefined {
  return process.env.PATH?.split(delimiter)
    .map((folder) => join(folder, 'node'))
    .find((node) => {
      try {
        const [, major] =
          /^v(\d+)/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' })) ?? []
        return Number(major) < 24
      } catch {
        return false
      }
    })
}

import { chmod, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { createKeyRing } from '../../src/keys.ts'
import { bearer, json } from '../support/http-client.ts'
import { keyJwk, keySetText } from '../support/keys.ts'
import {
  type Environment,
  graphs,
  runCommand,
  type Service,
  startService,
  temporaryFolder,
} from '../support/service-process.ts'
import { newUsername } from '../support/world.ts'

const PASSWORD = 'correct horse battery'
/** How long until a running service has taken over a new key file, with room for a busy machine. */
const TAKEN_MS = 1_500
/** A next key may sign when it is two seconds old. */
const PUBLISHED_MS = 2_100

interface Key {
  kid: string
  alg: string
  state: string
  madeAt: number | null
}

/** A key file of its own, and the commands about it. */
async function keyFile(t: ExecutionContext) {
  const path = join(await temporaryFolder(t), 'keys.json')
  async function keys(...args: string[]): Promise<Key[]> {
    const ran = await runCommand(['keys', ...args, '--json'], { JWT_KEYS_FILE: path })
    t.is(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`)
    return JSON.parse(ran.stdout)
  }
  async function refused(args: string[], code: number, message: RegExp, env: Environment = {}) {
    const ran = await runCommand(['keys', ...args], { JWT_KEYS_FILE: path, ...env })
    t.is(ran.code, code, ran.stderr)
    t.is(ran.stdout, '')
    t.regex(ran.stderr, message)
  }
  return { path, keys, refused }
}

function kidOf(keys: Key[], state: string): string {
  return keys.find((key) => key.state === state)?.kid ?? ''
}

async function newUser(service: Service) {
  const user = { username: newUsername(), password: PASSWORD }
  await service.request('POST', '/auth/user', json(user))
  return user
}

async function logIn(service: Service, user: object): Promise<string> {
  for (;;) {
    const { status, json: body } = await service.request('POST', '/auth', json(user))
    if (status === 200) return String(body.token)
    if (status !== 503) throw new Error(`POST /auth: ${status}`)
  }
}

async function verify(service: Service, token: string): Promise<string> {
  const { status, json: body } = await service.request('GET', '/auth', bearer(token))
  return status === 200 ? 'valid' : `${status} ${body.message}`
}

function kidIn(token: string): string {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
}

test.serial('keys are made, listed, rotated and retired in a file, with no graph', async (t) => {
  const { path, keys, refused } = await keyFile(t)
  await refused(
    ['list'],
    1,
    /^sessiongraph: JWT_KEYS_FILE: must name a file that can be read \(ENO/,
  )
  await refused(['list'], 1, /JWT_KEYS_FILE must name the file/, { JWT_KEYS_FILE: '' })
  await refused(['init', '--alg', 'RS256'], 1, /--alg must be HS256, ES256 or PS256/)
  const first = await keys('init', '--alg', 'ES256')
  t.deepEqual(
    first.map(({ alg, state }) => `${alg} ${state}`),
    ['ES256 next', 'ES256 current'],
  )
  t.is((await stat(path)).mode & 0o777, 0o600)
  await refused(['init'], 1, /not overwritten/)
  t.deepEqual(await keys('list'), first)

  await delay(PUBLISHED_MS)
  const second = await keys('rotate', '--alg', 'PS256')
  t.deepEqual(
    second.map(({ alg, state }) => `${alg} ${state}`),
    ['PS256 next', 'ES256 current', 'ES256 previous'],
  )
  t.is(kidOf(second, 'current'), kidOf(first, 'next'))
  t.is(kidOf(second, 'previous'), kidOf(first, 'current'))

  await refused(
    ['retire', kidOf(second, 'current')],
    1,
    /is the current one: run "sessiongraph key/,
  )
  await refused(['retire', 'nobody'], 1, /no key has that kid/)
  await refused(['retire'], 2, /usage: sessiongraph keys retire KID/)
  await refused(['next'], 1, /is the next one/)
  const third = await keys('retire', kidOf(second, 'previous'))
  t.deepEqual(
    third.map(({ state }) => state),
    ['next', 'current'],
  )
  const fourth = await keys('retire', kidOf(third, 'next'))
  t.not(kidOf(fourth, 'next'), kidOf(third, 'next'))
  t.is(kidOf(fourth, 'current'), kidOf(third, 'current'))
  t.deepEqual(await readdir(join(path, '..')), ['keys.json'])

  const shown = await runCommand(['keys', 'list'], { JWT_KEYS_FILE: path })
  t.regex(shown.stdout, /^kid +alg +state +made\n[0-9a-f]{16} +PS256 +next +20\d\d-.*Z\n/)
  const text = await readFile(path, 'utf8')
  for (const { d, n } of JSON.parse(text).keys) {
    t.false(shown.stdout.includes(d))
    if (n) t.false(shown.stdout.includes(n))
  }
})

test.serial(
  'a service does not start with weak, foreign or open keys, and names each',
  async (t) => {
    const { path } = await keyFile(t)
    const weak = keyJwk('HS256', 'weak', 'next', { k: 'dGVsbC10YWxl' })
    const foreign = keyJwk('ES256', 'foreign', 'current', { alg: 'RS256' })
    await writeFile(path, keySetText(weak, foreign), { mode: 0o600 })
    const ran = await runCommand(['serve'], { JWT_KEYS_FILE: path, LOG_LEVEL: 'loud' })
    t.is(ran.code, 1)
    t.true(ran.ms < 5_000, `${ran.ms} ms`)
    t.is(ran.stdout, '')
    t.deepEqual(ran.stderr.trimEnd().split('\n').slice(1), [
      'sessiongraph: JWT_KEYS_FILE: key weak must have a k of at least 32 bytes in base64url',
      'sessiongraph: JWT_KEYS_FILE: key foreign must have the alg HS256, ES256 or PS256',
    ])
    t.regex(ran.stderr, /^sessiongraph: LOG_LEVEL /)
    t.notRegex(ran.stderr, /dGVsb|RS256/)

    await writeFile(path, keySetText(keyJwk('HS256', 'one')))
    await chmod(path, 0o644)
    const readable = await runCommand(['serve'], { JWT_KEYS_FILE: path })
    t.is(readable.code, 1)
    t.regex(readable.stderr, /^sessiongraph: JWT_KEYS_FILE: must name a file that only its owner/)
    await chmod(path, 0o600)
    const both = await runCommand(['serve'], { JWT_KEYS_FILE: path, JWT_SECRET: 'x'.repeat(32) })
    t.is(both.code, 1)
    t.regex(both.stderr, /^sessiongraph: JWT_SECRET and JWT_KEYS_FILE must not both be set/)
  },
)

for (const { name, env } of graphs) {
  const variants = env.NEO4J_URI ? [{}, { WORKERS: '2' }] : [{}]
  for (const workers of variants) {
    const where = `${name}${'WORKERS' in workers ? ', two workers' : ''}`

    test.serial(`keys rotate under load and no live token is refused (${where})`, async (t) => {
      const { path, keys } = await keyFile(t)
      const first = await keys('init', '--alg', 'HS256')
      const service = await startService(t, {
        ...env,
        API_KEY_SECRET: 'the secret of keys, the same on all',
        JWT_SECRET: undefined,
        ...workers,
        JWT_KEYS_FILE: path,
        LOG_LEVEL: 'info',
      })
      await service.ready()
      const user = await newUser(service)
      const old = await logIn(service, user)
      t.is(kidIn(old), kidOf(first, 'current'))

      const refusals: string[] = []
      // Of a database that is slow: the call may be repeated, and no token was refused.
      let unavailable = 0
      function told(what: string, status: number, message: unknown): void {
        if (status === 503) unavailable += 1
        else if (status !== 200) refusals.push(`${what}: ${status} ${message}`)
      }
      const signers = new Set<string>()
      let [asked, isLoading] = [0, true]
      const load = Array.from({ length: 3 }, async () => {
        let token = await logIn(service, user)
        while (isLoading) {
          for (const one of [token, old]) {
            const { status, json: body } = await service.request('GET', '/auth', bearer(one))
            told(`GET of ${kidIn(one)}`, status, body.message)
          }
          const { status, json: body } = await service.request('PATCH', '/auth', bearer(token))
          told(`PATCH of ${kidIn(token)}`, status, body.message)
          if (status === 200) token = String(body.token)
          signers.add(kidIn(token))
          asked += 1
        }
      })
      await delay(PUBLISHED_MS)
      const second = await keys('rotate', '--alg', 'ES256')
      await delay(PUBLISHED_MS)
      const third = await keys('rotate')
      await delay(TAKEN_MS)
      isLoading = false
      await Promise.all(load)
      t.deepEqual(refusals, [])
      t.true(asked > 10, `${asked}`)
      for (const set of [first, second, third]) t.true(signers.has(kidOf(set, 'current')))
      t.log(`${asked} rounds, ${signers.size} keys that signed, ${unavailable} times 503`)

      // From here on: what is retired.
      const living = await logIn(service, user)
      t.is(kidIn(living), kidOf(third, 'current'))
      for (let i = 0; i < 8; i += 1) t.is(await verify(service, old), 'valid')
      await keys('retire', kidIn(old))
      await delay(TAKEN_MS)
      for (let i = 0; i < 8; i += 1) {
        t.is(await verify(service, old), '400 Token is invalid')
        t.is(await verify(service, living), 'valid')
      }
      for (const method of ['PATCH', 'DELETE']) {
        const { json: body } = await service.request(method, '/auth', bearer(old))
        t.is(body.message, 'Token is invalid')
      }
      const shown = (await service.request('GET', '/.well-known/jwks.json')).json.keys as Key[]
      t.deepEqual(
        shown.map(({ kid }) => kid),
        [kidOf(third, 'next'), kidOf(third, 'current')],
      )
      const lines = service.logs().filter(({ msg }) => msg === 'the keys were replaced')
      t.is(lines.length, 'WORKERS' in workers ? 6 : 3)
      t.deepEqual(lines.at(-1)?.gone, [kidIn(old)])
    })
  }
}

test.serial('a retired key ends its tokens within a second, from memory too', async (t) => {
  const { path, keys } = await keyFile(t)
  await keys('init')
  const service = await startService(t, { JWT_KEYS_FILE: path })
  const token = await logIn(service, await newUser(service))
  await delay(PUBLISHED_MS)
  await keys('rotate')
  await delay(TAKEN_MS)
  t.is(await verify(service, token), 'valid')
  await keys('retire', kidIn(token))
  const retiredAt = performance.now()
  while ((await verify(service, token)) === 'valid') await delay(5)
  const ms = performance.now() - retiredAt
  t.log(`refused ${Math.round(ms)} ms after the command had ended`)
  t.true(ms < 1_000, `${ms} ms`)
  t.is(await verify(service, token), '400 Token is invalid')
})

test.serial(
  'a broken key file is told once and changes nothing, and a mended one is taken',
  async (t) => {
    const { path, keys } = await keyFile(t)
    await keys('init', '--alg', 'ES256')
    const good = await readFile(path, 'utf8')
    const service = await startService(t, { JWT_KEYS_FILE: path })
    const user = await newUser(service)
    const token = await logIn(service, user)
    const complaints = () => service.logs().filter(({ level }) => level === 'error')
    const broken: [string, () => Promise<void>, RegExp][] = [
      ['half a file', () => writeFile(path, good.slice(0, 200)), /must hold a JSON object/],
      ['an empty file', () => writeFile(path, ''), /must hold a JSON object/],
      [
        'no current key',
        () => writeFile(path, good.replace('"current"', '"previous"')),
        /current; it/,
      ],
      ['a file for all', () => chmod(path, 0o644), /chmod 600/],
      ['no file', () => rm(path), /ENOENT/],
    ]
    for (const [i, [what, make, reason]] of broken.entries()) {
      await make()
      await delay(TAKEN_MS)
      t.is(complaints().length, i + 1, what)
      t.regex(String(complaints().at(-1)?.reason), reason, what)
      t.is(complaints().at(-1)?.msg, 'the key file cannot be used: the keys before stay in force')
      t.is(await verify(service, token), 'valid', what)
      t.is(kidIn(await logIn(service, user)), kidIn(token), what)
    }
    for (const { d, x } of JSON.parse(good).keys) {
      t.false(service.output().includes(d))
      t.false(service.output().includes(x))
    }
    // As an editor or a mount replaces it: beside, then renamed.
    await writeFile(`${path}.other`, keySetText(keyJwk('HS256', 'mended')), { mode: 0o600 })
    await rename(`${path}.other`, path)
    await delay(TAKEN_MS)
    t.is(await verify(service, token), '400 Token is invalid')
    t.is(kidIn(await logIn(service, user)), 'mended')
  },
)

test.serial('a service on a secret goes over to a key file and logs nobody out', async (t) => {
  const secret = 'the secret that signed until now, long enough'
  const { path, keys } = await keyFile(t)
  const file = join(await temporaryFolder(t), 'secret')
  await writeFile(file, `${secret}\n`, { mode: 0o600 })
  const before = await startService(t, { JWT_SECRET_FILE: file })
  const user = await newUser(before)
  const token = await logIn(before, user)
  before.signal('SIGTERM')
  await before.exited

  const made = await keys('init', '--alg', 'ES256', '--secret-file', file)
  t.is(kidOf(made, 'current'), createKeyRing(secret).current.kid)
  const after = await startService(t, { JWT_KEYS_FILE: path, DATA_DIR: before.dataDir })
  t.is(await verify(after, token), 'valid')
  await delay(PUBLISHED_MS)
  await keys('rotate')
  await delay(TAKEN_MS)
  t.is(await verify(after, token), 'valid')
  t.is(kidIn(await logIn(after, user)), kidOf(made, 'next'))
})

test.serial('a secret that is made in DATA_DIR is not made beside a key file', async (t) => {
  const { path, keys } = await keyFile(t)
  await keys('init')
  const service = await startService(t, { JWT_KEYS_FILE: path })
  await t.throwsAsync(stat(join(service.dataDir, 'jwt-secret')), { code: 'ENOENT' })
})

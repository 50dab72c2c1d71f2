import { chmod, copyFile, writeFile } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type SecureVersion } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { createAuthority, type Pair } from '../support/certificates.ts'
import { graphs, runCommand, startService, temporaryFolder } from '../support/service-process.ts'
import { newCallerName } from '../support/world.ts'

interface Asking {
  ca: string
  client?: Pick<Pair, 'cert' | 'key'>
  key?: string
}

/** GET /auth without a token: 400 says that the caller was let in. */
function ask(url: string, { ca, client, key }: Asking) {
  return new Promise<{ status: number; code: unknown; serial: string }>((resolve, reject) => {
    const headers = key === undefined ? {} : { 'X-Api-Key': key }
    const sent = httpsRequest(`${url}/auth`, { ca, ...client, headers, agent: false }, (answer) => {
      const socket = answer.socket as import('node:tls').TLSSocket
      const { serialNumber: serial } = socket.getPeerCertificate()
      text(answer).then((body) => {
        resolve({ status: answer.statusCode ?? 0, code: JSON.parse(body).code, serial })
      }, reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}

const IN = { status: 400, code: 'token_must_be_provided' }
const OUT = { status: 401, code: 'caller_unknown' }

async function prepare(t: ExecutionContext) {
  const folder = await temporaryFolder(t)
  const servers = await createAuthority(folder, 'servers')
  const clients = await createAuthority(folder, 'clients')
  const server = await servers.issue('sessiongraph')
  const [cert, key] = [join(folder, 'tls.pem'), join(folder, 'tls.key')]
  const ca = join(folder, 'ca.pem')
  async function install(pair: Pair): Promise<void> {
    await copyFile(pair.certFile, cert)
    await copyFile(pair.keyFile, key)
    await chmod(key, 0o600)
  }
  await install(server)
  await copyFile(clients.certFile, ca)
  const env = { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CLIENT_CA_FILE: ca, CALLER_AUTH: 'on' }
  return { folder, servers, clients, install, env, cert, key, ca }
}

for (const { name: graph, env: graphEnv } of graphs) {
  for (const WORKERS of graphEnv.NEO4J_URI ? ['1', '2'] : ['1']) {
    test.serial(
      `callers prove themselves by certificate on ${graph}, WORKERS=${WORKERS}`,
      async (t) => {
        const { folder, servers, clients, env } = await prepare(t)
        const service = await startService(t, { ...graphEnv, ...env, WORKERS })
        t.true(service.url.startsWith('https://'))
        const settings = { ...graphEnv, DATA_DIR: service.dataDir, BCRYPT_COST: '4' }
        const command = async (...args: string[]) => {
          const ran = await runCommand(['caller', ...args, '--json'], settings)
          t.is(ran.code, 0, ran.stderr)
          return JSON.parse(ran.stdout)
        }
        const name = newCallerName()
        const [keyed, other] = [newCallerName(), newCallerName()]
        t.deepEqual(await command('add', name, '--scopes', 'verify', '--certificate'), { name })
        const { key } = await command('add', keyed, '--scopes', 'verify')
        const { key: otherKey } = await command('add', other, '--scopes', 'verify')
        const { url } = service
        const good = await clients.issue(name)
        const stranger = await createAuthority(folder, 'strangers')
        const { cert: ca } = servers

        t.like(await ask(url, { ca, client: good }), IN)
        t.like(await ask(url, { ca, client: good }), IN)
        t.like(await ask(url, { ca, key }), IN, 'a key needs no certificate')
        t.like(await ask(url, { ca }), OUT)
        t.like(await ask(url, { ca, client: await clients.issue(keyed) }), OUT, 'it has a key')
        t.like(await ask(url, { ca, client: await clients.issue(newCallerName()) }), OUT)
        t.like(await ask(url, { ca, client: await stranger.issue(name) }), OUT, 'not verified')
        t.like(await ask(url, { ca, client: await stranger.issue(name), key }), OUT)
        t.like(
          await ask(url, { ca, client: await clients.issue(name, { purpose: 'serverAuth' }) }),
          OUT,
        )
        t.like(await ask(url, { ca, client: await clients.issue(name, { days: -1 }) }), OUT)
        t.like(await ask(url, { ca, client: await clients.issue(`${name}/CN=${name}`) }), OUT)
        t.like(await ask(url, { ca, client: await clients.issue(keyed), key }), IN, 'both the same')
        t.like(await ask(url, { ca, client: good, key: otherKey }), {
          status: 400,
          code: 'request_is_invalid',
        })

        await command('revoke', name)
        const begun = performance.now()
        let last = await ask(url, { ca, client: good })
        while (last.status !== 401 && performance.now() - begun < 1_500) {
          last = await ask(url, { ca, client: good })
        }
        t.like(last, OUT)
        t.true(performance.now() - begun < 1_100)
        await command('add', name, '--scopes', 'verify', '--certificate')
        t.like(await ask(url, { ca, client: good }), IN)
        service.signal('SIGTERM')
        t.is((await service.exited).code, 0)
      },
    )
  }
}

test.serial(
  'certificates are replaced while it serves, and broken ones are not taken',
  async (t) => {
    const { servers, clients, install, env, cert, key, ca: caFile, folder } = await prepare(t)
    const service = await startService(t, { ...env, CALLER_AUTH: 'off' })
    const { url } = service
    const ca = servers.cert
    const { serial } = await ask(url, { ca })
    const lines = (message: RegExp) =>
      service.logs().filter(({ msg }) => message.test(String(msg))).length

    await install(await servers.issue('sessiongraph'))
    await service.said(/the certificates were replaced/)
    const { serial: second } = await ask(url, { ca })
    t.not(second, serial)

    await writeFile(cert, 'no certificate')
    await service.said(/the new certificates cannot be used/)
    await delay(2_500)
    t.is(lines(/cannot be used/), 1)
    t.is((await ask(url, { ca })).serial, second)
    const foreign = await servers.issue('sessiongraph')
    await copyFile(foreign.certFile, cert)
    await delay(3_000)
    t.is(lines(/cannot be used/), 2, 'a certificate and another key')
    t.is((await ask(url, { ca })).serial, second)
    await copyFile(foreign.keyFile, key)
    await delay(3_000)
    t.is(lines(/were replaced/), 2)
    t.not((await ask(url, { ca })).serial, second)

    // Another authority for clients, too.
    const others = await createAuthority(folder, 'others')
    const name = newCallerName()
    await copyFile(others.certFile, caFile)
    await delay(3_000)
    t.is(lines(/were replaced/), 3)
    const [ours, theirs] = [await clients.issue(name), await others.issue(name)]
    for (const client of [ours, theirs]) t.like(await ask(url, { ca, client }), IN)
    t.notRegex(service.output(), /PRIVATE KEY/)
  },
)

test.serial(
  'what cannot be served with is told at the start, by the settings that name it',
  async (t) => {
    const { servers, env, cert, key, ca } = await prepare(t)
    const refusal = async (others: object, pattern: RegExp) => {
      const ran = await runCommand(['serve'], { ...env, PORT: '0', ...others })
      t.is(ran.code, 1)
      t.regex(ran.stderr, pattern)
      t.is(ran.stdout, '')
      t.notRegex(ran.stderr, /PRIVATE KEY/)
    }
    await refusal({ TLS_CERT_FILE: `${cert}x` }, /TLS_CERT_FILE .*ENOENT/)
    await refusal({ TLS_KEY_FILE: '' }, /TLS_CERT_FILE and TLS_KEY_FILE must both/)
    await refusal({ TLS_CLIENT_CA_FILE: key }, /TLS_CLIENT_CA_FILE must hold certificates/)
    const { keyFile } = await servers.issue('another')
    await refusal({ TLS_KEY_FILE: keyFile }, /a certificate and its key/)
    for (const mode of [0o620, 0o604, 0o644]) {
      await chmod(key, mode)
      await refusal({}, /TLS_KEY_FILE .*chmod 600/)
    }
    await chmod(key, 0o600)
    await writeFile(ca, '')
    await refusal({}, /TLS_CLIENT_CA_FILE must hold certificates/)
  },
)

test.serial(
  'TLS before 1.2 and plain HTTP are refused, and a stop does not wait for either',
  async (t) => {
    const { servers, env } = await prepare(t)
    const service = await startService(t, env)
    const port = Number(new URL(service.url).port)
    const handshake = (version: SecureVersion) =>
      new Promise<string>((resolve) => {
        const options = { port, host: '127.0.0.1', ca: servers.cert, ciphers: 'DEFAULT@SECLEVEL=0' }
        const socket = connect({ ...options, minVersion: version, maxVersion: version }, () => {
          resolve(socket.getProtocol() ?? '')
          socket.destroy()
        })
        socket.on('error', () => resolve('refused'))
      })
    t.is(await handshake('TLSv1.3'), 'TLSv1.3')
    t.is(await handshake('TLSv1.2'), 'TLSv1.2')
    t.is(await handshake('TLSv1.1'), 'refused')
    const plain = await fetch(service.url.replace('https', 'http')).then(
      () => 'answered',
      () => 'refused',
    )
    t.is(plain, 'refused')
    const idle = connect({ port, host: '127.0.0.1', ca: servers.cert })
    idle.on('error', () => undefined)
    await new Promise((resolve) => idle.once('secureConnect', resolve))
    service.signal('SIGTERM')
    const { code, ms } = await service.exited
    t.is(code, 0)
    t.true(ms < 2_000, `${ms} ms`)
  },
)

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  asksCallers,
  ConfigError,
  type Environment,
  printableConfig,
  readConfig,
  settings,
} from '../../private/config.ts'
import { keyJwk, keySetText } from '../support/keys.ts'

const SECRET = '0123456789abcdef0123456789abcdef'
const NEO4J = {
  NEO4J_URI: 'bolt://localhost:7687',
  NEO4J_USERNAME: 'neo4j',
  NEO4J_PASSWORD: 'hunter22hunter22',
  JWT_SECRET: SECRET,
}

function refused(t: ExecutionContext, environment: Environment, mistakes: string[]): void {
  const error = t.throws(() => readConfig(environment), {
    instanceOf: ConfigError,
    name: 'ConfigError',
    message: mistakes.join('\n'),
  })
  t.deepEqual(error?.mistakes, mistakes)
}

async function fileWith(t: ExecutionContext, text: string | Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'config-test-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'secret')
  await writeFile(path, text, { mode: 0o600 })
  return path
}

test('without any variable every setting has its default', (t) => {
  t.deepEqual(readConfig({}), {
    host: '127.0.0.1',
    port: 3000,
    tlsCertFile: '',
    tlsKeyFile: '',
    tlsClientCaFile: '',
    callerAuth: 'auto',
    apiKeySecret: '',
    metricsPort: 0,
    maxConnections: 10_000,
    trustedProxies: '',
    dataDir: './data',
    neo4jUri: '',
    neo4jUsername: '',
    neo4jPassword: '',
    neo4jDatabase: 'neo4j',
    jwtSecret: '',
    jwtKeysFile: '',
    jwtIssuer: 'sessiongraph',
    jwtAudience: 'sessiongraph',
    tokenTtlSeconds: 900,
    sessionTtlSeconds: 1_209_600,
    sessionRetentionSeconds: 0,
    maxSessionsPerUser: 50,
    refreshGraceSeconds: 30,
    reuseDetection: true,
    bcryptCost: 12,
    passwordPepper: '',
    hideUnknownUsers: false,
    requireCurrentPassword: false,
    tokenInQuery: true,
    loginWindowSeconds: 900,
    loginFailuresPerAccount: 10,
    loginFailuresPerSource: 100,
    loginFailuresInAll: 10_000,
    pruneSchedule: '*/5 * * * *',
    blacklistPollMs: 100,
    blacklistMaxStalenessMs: 1_000,
    blacklistMaxEntries: 1_000_000,
    checkedTokensMax: 100_000,
    knownTokensMax: 1_000_000,
    workers: 1,
    logLevel: 'info',
    auditLog: 'stdout',
    shutdownSeconds: 10,
  })
})

test('an empty variable counts as unset', (t) => {
  const variables = Object.values(settings).map(({ variable }) => variable)
  const empty = Object.fromEntries(
    variables.flatMap((name) => [
      [name, ''],
      [`${name}_FILE`, ''],
    ]),
  )
  t.deepEqual(readConfig(empty), readConfig({}))
})

test('variables of others do not matter', (t) => {
  t.deepEqual(readConfig({ PATH: '/bin', HOSTNAME: 'x', PORTS: 'x', port: '1' }), readConfig({}))
})

test('every setting takes the value of its variable', (t) => {
  const config = readConfig({
    ...NEO4J,
    HOST: '::1',
    PORT: '8080',
    METRICS_PORT: '9090',
    MAX_CONNECTIONS: '500',
    TRUSTED_PROXIES: '10.0.0.0/8, ::1',
    DATA_DIR: '/var/lib/sessions',
    NEO4J_DATABASE: 'sessions',
    JWT_ISSUER: 'https://auth.example',
    JWT_AUDIENCE: 'api',
    TLS_CERT_FILE: '/etc/tls/chain.pem',
    TLS_KEY_FILE: '/etc/tls/key.pem',
    TLS_CLIENT_CA_FILE: '/etc/tls/clients.pem',
    CALLER_AUTH: 'off',
    API_KEY_SECRET: `${SECRET} of keys`,
    TOKEN_TTL_SECONDS: '60',
    SESSION_TTL_SECONDS: '3600',
    SESSION_RETENTION_SECONDS: '86400',
    MAX_SESSIONS_PER_USER: '0',
    REFRESH_GRACE_SECONDS: '0',
    REUSE_DETECTION: 'off',
    BCRYPT_COST: '10',
    PASSWORD_PEPPER: 'a pepper',
    HIDE_UNKNOWN_USERS: 'on',
    REQUIRE_CURRENT_PASSWORD: 'on',
    TOKEN_IN_QUERY: 'off',
    LOGIN_WINDOW_SECONDS: '60',
    LOGIN_FAILURES_PER_ACCOUNT: '5',
    LOGIN_FAILURES_PER_SOURCE: '0',
    LOGIN_FAILURES_IN_ALL: '1000',
    PRUNE_SCHEDULE: '30 3 * * *',
    BLACKLIST_POLL_MS: '50',
    BLACKLIST_MAX_STALENESS_MS: '500',
    BLACKLIST_MAX_ENTRIES: '2000',
    CHECKED_TOKENS_MAX: '10',
    KNOWN_TOKENS_MAX: '0',
    WORKERS: '2',
    LOG_LEVEL: 'warn',
    AUDIT_LOG: '/var/log/audit',
    SHUTDOWN_SECONDS: '30',
  })
  t.deepEqual(config, {
    host: '::1',
    port: 8080,
    tlsCertFile: '/etc/tls/chain.pem',
    tlsKeyFile: '/etc/tls/key.pem',
    tlsClientCaFile: '/etc/tls/clients.pem',
    callerAuth: 'off',
    apiKeySecret: `${SECRET} of keys`,
    metricsPort: 9090,
    maxConnections: 500,
    trustedProxies: '10.0.0.0/8, ::1',
    dataDir: '/var/lib/sessions',
    neo4jUri: NEO4J.NEO4J_URI,
    neo4jUsername: NEO4J.NEO4J_USERNAME,
    neo4jPassword: NEO4J.NEO4J_PASSWORD,
    neo4jDatabase: 'sessions',
    jwtSecret: SECRET,
    jwtKeysFile: '',
    jwtIssuer: 'https://auth.example',
    jwtAudience: 'api',
    tokenTtlSeconds: 60,
    sessionTtlSeconds: 3600,
    sessionRetentionSeconds: 86_400,
    maxSessionsPerUser: 0,
    refreshGraceSeconds: 0,
    reuseDetection: false,
    bcryptCost: 10,
    passwordPepper: 'a pepper',
    hideUnknownUsers: true,
    requireCurrentPassword: true,
    tokenInQuery: false,
    loginWindowSeconds: 60,
    loginFailuresPerAccount: 5,
    loginFailuresPerSource: 0,
    loginFailuresInAll: 1_000,
    pruneSchedule: '30 3 * * *',
    blacklistPollMs: 50,
    blacklistMaxStalenessMs: 500,
    blacklistMaxEntries: 2_000,
    checkedTokensMax: 10,
    knownTokensMax: 0,
    workers: 2,
    logLevel: 'warn',
    auditLog: '/var/log/audit',
    shutdownSeconds: 30,
  })
})

test('every mistake is told at once, by name, and no secret with its value', (t) => {
  const environment = {
    PORT: '65536',
    TLS_KEY_FILE: '/etc/tls/key.pem',
    CALLER_AUTH: 'maybe',
    API_KEY_SECRET: 'alsotooshort-XYZZY',
    NEO4J_URI: 'http://localhost:7474',
    NEO4J_USERNAME: 'neo4j',
    NEO4J_PASSWORD: 'neo4j',
    JWT_SECRET: 'tooshort-XYZZY',
    TOKEN_TTL_SECONDS: '15m',
    SESSION_TTL_SECONDS: '-1',
    SESSION_RETENTION_SECONDS: 'a day',
    MAX_SESSIONS_PER_USER: 'many',
    REFRESH_GRACE_SECONDS: '1.5',
    REUSE_DETECTION: 'yes',
    BCRYPT_COST: '3',
    PASSWORD_PEPPER: 'pepper-PLUGH',
    PASSWORD_PEPPER_FILE: '/etc/hostname',
    HIDE_UNKNOWN_USERS: 'ON',
    REQUIRE_CURRENT_PASSWORD: '1',
    TOKEN_IN_QUERY: 'false',
    PRUNE_SCHEDULE: 'hourly',
    LOG_LEVEL: 'verbose',
    SHUTDOWN_SECONDS: '0',
  }
  refused(t, environment, [
    'PORT must be a whole number from 0 to 65535',
    'CALLER_AUTH must be auto, on or off',
    'API_KEY_SECRET must be text of at least 32 bytes',
    'NEO4J_URI must be bolt://HOST:PORT for one server, neo4j://HOST:PORT for a cluster, with +s for TLS',
    "NEO4J_PASSWORD must be anything but Neo4j's default, neo4j",
    'JWT_SECRET must be text of at least 32 bytes',
    'TOKEN_TTL_SECONDS must be a whole number from 1 to 31536000',
    'SESSION_TTL_SECONDS must be a whole number from 1 to 315360000',
    'SESSION_RETENTION_SECONDS must be a whole number from 0 to 315360000',
    'MAX_SESSIONS_PER_USER must be a whole number from 0 to 1000',
    'REFRESH_GRACE_SECONDS must be a whole number from 0 to 86400',
    'REUSE_DETECTION must be on or off',
    'BCRYPT_COST must be a whole number from 4 to 15',
    'PASSWORD_PEPPER and PASSWORD_PEPPER_FILE must not both be set',
    'HIDE_UNKNOWN_USERS must be on or off',
    'REQUIRE_CURRENT_PASSWORD must be on or off',
    'TOKEN_IN_QUERY must be on or off',
    'PRUNE_SCHEDULE must be a cron expression of five fields, or six with seconds',
    'LOG_LEVEL must be fatal, error, warn, info, debug, trace or silent',
    'SHUTDOWN_SECONDS must be a whole number from 1 to 3600',
    'TLS_CERT_FILE and TLS_KEY_FILE must both be set, or neither',
  ])
  const { message } = t.throws(() => readConfig(environment))
  t.notRegex(message, /XYZZY|PLUGH/)
})

test('JWT_SECRET has at least 32 bytes of UTF-8', (t) => {
  const short = ['x'.repeat(31), `${'é'.repeat(15)}x`, `${'😀'.repeat(7)}xyz`, 'x']
  const enough = ['x'.repeat(32), 'é'.repeat(16), '😀'.repeat(8), `${'é'.repeat(15)}xy`]
  for (const secret of short) {
    t.true(Buffer.byteLength(secret) <= 31)
    refused(t, { JWT_SECRET: secret }, ['JWT_SECRET must be text of at least 32 bytes'])
  }
  for (const secret of enough) {
    t.is(Buffer.byteLength(secret), 32)
    t.is(readConfig({ JWT_SECRET: secret }).jwtSecret, secret)
  }
})

test('NEO4J_URI needs JWT_SECRET or JWT_KEYS_FILE', async (t) => {
  const expected = [
    'JWT_SECRET or JWT_KEYS_FILE must be set with NEO4J_URI, the same on every replica',
  ]
  const keys = await fileWith(t, keySetText(keyJwk('HS256', 'one')))
  const withKeys = { NEO4J_URI: 'neo4j://a', JWT_KEYS_FILE: keys }
  t.is(readConfig({ ...withKeys, API_KEY_SECRET: SECRET }).jwtKeysFile, keys)
  refused(t, withKeys, [
    'API_KEY_SECRET must be set with JWT_KEYS_FILE and NEO4J_URI, the same on every replica',
  ])
  refused(t, { NEO4J_URI: 'bolt://localhost:7687' }, expected)
  refused(t, { ...NEO4J, JWT_SECRET: '' }, expected)
  t.is(readConfig({ NEO4J_URI: 'neo4j://a', JWT_SECRET: SECRET }).neo4jUri, 'neo4j://a')
})

test("Neo4j's default password is refused, from a file too", async (t) => {
  const expected = ["NEO4J_PASSWORD must be anything but Neo4j's default, neo4j"]
  refused(t, { ...NEO4J, NEO4J_PASSWORD: 'neo4j' }, expected)
  const file = await fileWith(t, 'neo4j\n')
  refused(t, { ...NEO4J, NEO4J_PASSWORD: '', NEO4J_PASSWORD_FILE: file }, expected)
  t.is(readConfig({ ...NEO4J, NEO4J_PASSWORD: 'neo4j2' }).neo4jPassword, 'neo4j2')
})

test("Neo4j's user name and password come together or not at all", (t) => {
  const expected = ['NEO4J_USERNAME and NEO4J_PASSWORD must both be set, or neither']
  refused(t, { ...NEO4J, NEO4J_USERNAME: '' }, expected)
  refused(t, { ...NEO4J, NEO4J_PASSWORD: '' }, expected)
  t.is(readConfig({ ...NEO4J, NEO4J_USERNAME: '', NEO4J_PASSWORD: '' }).neo4jPassword, '')
})

test('NEO4J_URI is a bolt or neo4j address, with or without TLS', (t) => {
  const addresses = [
    'bolt://localhost',
    'bolt://localhost:7687',
    'bolt://10.0.0.1:7687',
    'bolt://[::1]:7687',
    'bolt+s://db.example:7687',
    'bolt+ssc://db.example:7687',
    'neo4j://db.example',
    'neo4j+s://abcd1234.databases.neo4j.io',
    'neo4j+ssc://db.example:7687',
  ]
  for (const uri of addresses) t.is(readConfig({ ...NEO4J, NEO4J_URI: uri }).neo4jUri, uri)
})

const NOT_AN_ADDRESS = [
  'NEO4J_URI must be bolt://HOST:PORT for one server, neo4j://HOST:PORT for a cluster, with +s for TLS',
]

test('NEO4J_URI that is no such address is refused', (t) => {
  const texts = [
    'localhost:7687',
    'bolt://',
    'bolt:localhost',
    'http://localhost:7687',
    'BOLT://localhost',
    'bolt+tls://localhost',
    'bolt://local host',
    'bolt://localhost:7687/',
    'bolt://localhost:7687/db',
    ' bolt://localhost',
    'bolt://localhost\n',
    'xbolt://localhost',
  ]
  for (const text of texts) refused(t, { ...NEO4J, NEO4J_URI: text }, NOT_AN_ADDRESS)
})

test('NEO4J_URI without a host, or with a port that is none, is refused', (t) => {
  for (const text of ['bolt://:7687', 'bolt://localhost:port', 'bolt://localhost:99999']) {
    refused(t, { ...NEO4J, NEO4J_URI: text }, NOT_AN_ADDRESS)
  }
})

// It would be shown by printableConfig and in the log.
test('NEO4J_URI with a password in it is refused', (t) => {
  for (const text of ['bolt://neo4j:hunter22@localhost:7687', 'neo4j+s://hunter22@db.example']) {
    refused(t, { ...NEO4J, NEO4J_URI: text }, NOT_AN_ADDRESS)
  }
})

test('TOKEN_TTL_SECONDS is at most SESSION_TTL_SECONDS', (t) => {
  const expected = ['TOKEN_TTL_SECONDS must be at most SESSION_TTL_SECONDS']
  refused(t, { TOKEN_TTL_SECONDS: '61', SESSION_TTL_SECONDS: '60' }, expected)
  refused(t, { SESSION_TTL_SECONDS: '899' }, expected)
  t.is(readConfig({ TOKEN_TTL_SECONDS: '60', SESSION_TTL_SECONDS: '60' }).tokenTtlSeconds, 60)
})

const integers = [
  ['PORT', 'port', 0, 65_535],
  ['METRICS_PORT', 'metricsPort', 0, 65_535],
  ['MAX_CONNECTIONS', 'maxConnections', 1, 1_000_000],
  ['TOKEN_TTL_SECONDS', 'tokenTtlSeconds', 1, 31_536_000],
  ['SESSION_TTL_SECONDS', 'sessionTtlSeconds', 1, 315_360_000],
  ['SESSION_RETENTION_SECONDS', 'sessionRetentionSeconds', 0, 315_360_000],
  ['MAX_SESSIONS_PER_USER', 'maxSessionsPerUser', 0, 1_000],
  ['REFRESH_GRACE_SECONDS', 'refreshGraceSeconds', 0, 86_400],
  ['BCRYPT_COST', 'bcryptCost', 4, 15],
  ['LOGIN_WINDOW_SECONDS', 'loginWindowSeconds', 1, 86_400],
  ['LOGIN_FAILURES_PER_ACCOUNT', 'loginFailuresPerAccount', 0, 1_000_000],
  ['LOGIN_FAILURES_PER_SOURCE', 'loginFailuresPerSource', 0, 1_000_000],
  ['LOGIN_FAILURES_IN_ALL', 'loginFailuresInAll', 0, 100_000_000],
  ['BLACKLIST_POLL_MS', 'blacklistPollMs', 10, 10_000],
  ['BLACKLIST_MAX_STALENESS_MS', 'blacklistMaxStalenessMs', 100, 60_000],
  ['BLACKLIST_MAX_ENTRIES', 'blacklistMaxEntries', 1_000, 100_000_000],
  ['CHECKED_TOKENS_MAX', 'checkedTokensMax', 0, 8_000_000],
  ['KNOWN_TOKENS_MAX', 'knownTokensMax', 0, 100_000_000],
  ['WORKERS', 'workers', 1, 64],
  ['SHUTDOWN_SECONDS', 'shutdownSeconds', 1, 3600],
] as const

// So that the bounds between two of them do not come into it.
const LIVES = {
  ...NEO4J,
  TOKEN_TTL_SECONDS: '1',
  SESSION_TTL_SECONDS: '315360000',
  BLACKLIST_POLL_MS: '10',
  BLACKLIST_MAX_STALENESS_MS: '60000',
}

test('BLACKLIST_POLL_MS leaves room for two polls, and WORKERS share a Neo4j alone', (t) => {
  refused(t, { BLACKLIST_POLL_MS: '501' }, [
    'BLACKLIST_POLL_MS must be at most half of BLACKLIST_MAX_STALENESS_MS',
  ])
  refused(t, { WORKERS: '2' }, [
    'WORKERS must be 1 with the embedded graph, which one process owns; set NEO4J_URI',
  ])
})

for (const [variable, name, least, most] of integers) {
  test(`${variable} is a whole number from ${least} to ${most}`, (t) => {
    for (const value of [least, most]) {
      t.is(readConfig({ ...LIVES, [variable]: String(value) })[name], value)
    }
    const outside = [least - 1, most + 1, -most, most * 1e6].map(String)
    const forms = [` ${least}`, `${most} `, `${most}.0`, `+${most}`, '1e1', '0x8', '٨', '８', '1_0']
    const words = ['x', 'NaN', 'Infinity', 'null', 'true', '9'.repeat(400), `${most}\n`]
    for (const text of [...outside, ...forms, ...words]) {
      refused(t, { ...LIVES, [variable]: text }, [
        `${variable} must be a whole number from ${least} to ${most}`,
      ])
    }
  })
}

test('the bounds of every whole number are tried above', (t) => {
  const found = Object.values(settings).filter(({ allowed }) =>
    allowed.startsWith('a whole number'),
  )
  t.deepEqual(
    found.map(({ variable }) => variable),
    integers.map(([variable]) => variable),
  )
})

for (const [variable, name] of [
  ['REUSE_DETECTION', 'reuseDetection'],
  ['HIDE_UNKNOWN_USERS', 'hideUnknownUsers'],
  ['REQUIRE_CURRENT_PASSWORD', 'requireCurrentPassword'],
  ['TOKEN_IN_QUERY', 'tokenInQuery'],
] as const) {
  test(`${variable} is on or off and nothing else`, (t) => {
    t.true(readConfig({ [variable]: 'on' })[name])
    t.false(readConfig({ [variable]: 'off' })[name])
    for (const text of ['On', 'OFF', 'true', 'false', 'yes', 'no', '1', '0', ' on', 'on\n']) {
      refused(t, { [variable]: text }, [`${variable} must be on or off`])
    }
  })
}

test('callers must say who they are where others than this machine reach the service', (t) => {
  const asks = (HOST: string, CALLER_AUTH: string) => asksCallers(readConfig({ HOST, CALLER_AUTH }))
  for (const host of ['', '127.0.0.1', '127.8.8.8', 'localhost', '::1']) {
    t.false(asks(host, ''), host)
    t.false(asks(host, 'auto'), host)
    t.true(asks(host, 'on'), host)
  }
  const others = ['0.0.0.0', '::', '10.0.0.1', '1270.0.0.1', '127.example', '::ffff:127.0.0.1']
  for (const host of [...others, 'localhost.example', 'sessions', '127.0.0.1.example']) {
    t.true(asks(host, ''), host)
    t.true(asks(host, 'on'), host)
    t.false(asks(host, 'off'), host)
  }
})

test('a certificate and its key come together, and authorities only with them', (t) => {
  const both = ['TLS_CERT_FILE and TLS_KEY_FILE must both be set, or neither']
  refused(t, { TLS_CERT_FILE: 'a' }, both)
  refused(t, { TLS_KEY_FILE: 'a' }, both)
  refused(t, { TLS_CLIENT_CA_FILE: 'a' }, [
    'TLS_CLIENT_CA_FILE needs TLS_CERT_FILE and TLS_KEY_FILE',
  ])
  t.is(readConfig({ TLS_CERT_FILE: 'a', TLS_KEY_FILE: 'b' }).tlsCertFile, 'a')
})

test('PRUNE_SCHEDULE is a cron expression', (t) => {
  const schedules = ['* * * * *', '0 3 * * *', '15 */5 * * * *', '0,30 8-18 * * 1-5']
  for (const text of schedules) t.is(readConfig({ PRUNE_SCHEDULE: text }).pruneSchedule, text)
  const texts = [
    'x',
    '* * * *',
    '* * * * * * *',
    '60 * * * *',
    '0 24 * * *',
    '* * * 13 *',
    '*/0 * * * *',
  ]
  for (const text of [...texts, '-1 * * * *', '1.5 * * * *', '300', 'off', '* * * * *\n']) {
    refused(t, { PRUNE_SCHEDULE: text }, [
      'PRUNE_SCHEDULE must be a cron expression of five fields, or six with seconds',
    ])
  }
})

test("LOG_LEVEL is one of the log's levels", (t) => {
  for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']) {
    t.is(String(readConfig({ LOG_LEVEL: level }).logLevel), level)
  }
  for (const text of ['INFO', 'warning', 'all', '30', 'constructor']) {
    refused(t, { LOG_LEVEL: text }, [
      'LOG_LEVEL must be fatal, error, warn, info, debug, trace or silent',
    ])
  }
})

const secrets = [
  ['API_KEY_SECRET', 'apiKeySecret', {}],
  ['NEO4J_PASSWORD', 'neo4jPassword', { NEO4J_USERNAME: 'neo4j' }],
  ['JWT_SECRET', 'jwtSecret', {}],
  ['PASSWORD_PEPPER', 'passwordPepper', {}],
] as const

test('every secret is tried here', (t) => {
  const found = Object.values(settings).filter((setting) => setting.secret)
  t.deepEqual(
    found.map(({ variable }) => variable),
    secrets.map(([variable]) => variable),
  )
})

for (const [variable, name, others] of secrets) {
  const file = `${variable}_FILE`

  test(`${file} names a file that holds the secret, less one newline at its end`, async (t) => {
    const texts: [string, string][] = [
      [SECRET, SECRET],
      [`${SECRET}\n`, SECRET],
      [`${SECRET}\r\n`, SECRET],
      [`${SECRET}\n\n`, `${SECRET}\n`],
      [`\n ${SECRET} \t\n`, `\n ${SECRET} \t`],
      [`é${SECRET}`, `é${SECRET}`],
    ]
    for (const [text, expected] of texts) {
      t.is(readConfig({ ...others, [file]: await fileWith(t, text) })[name], expected)
    }
  })

  test(`${file} that is not there, is a folder or is empty is told by name`, async (t) => {
    const missing = join(tmpdir(), 'no such folder', 'secret')
    const told = { ...others, [file]: missing }
    refused(t, told, [`${file} must name a file that can be read (ENOENT)`])
    refused(t, { ...others, [file]: tmpdir() }, [
      `${file} must name a file that can be read (EISDIR)`,
    ])
    for (const text of ['', '\n', '\r\n']) {
      refused(t, { ...others, [file]: await fileWith(t, text) }, [
        `${file} must name a file that is not empty`,
      ])
    }
  })

  test(`${variable} and ${file} exclude one another`, async (t) => {
    const path = await fileWith(t, SECRET)
    const both = { ...others, [variable]: SECRET, [file]: path }
    refused(t, both, [`${variable} and ${file} must not both be set`])
    t.is(readConfig({ ...others, [variable]: '', [file]: path })[name], SECRET)
    t.is(readConfig({ ...others, [variable]: SECRET, [file]: '' })[name], SECRET)
  })
}

test('JWT_KEYS_FILE takes the place of JWT_SECRET, and both are refused', async (t) => {
  const keys = await fileWith(t, keySetText(keyJwk('ES256', 'one')))
  t.like(readConfig({ JWT_KEYS_FILE: keys }), { jwtKeysFile: keys, jwtSecret: '' })
  const both =
    'JWT_SECRET and JWT_KEYS_FILE must not both be set; "sessiongraph keys init --secret-file" takes the secret into the file'
  refused(t, { JWT_KEYS_FILE: keys, JWT_SECRET: SECRET }, [both])
  refused(t, { JWT_KEYS_FILE: keys, JWT_SECRET_FILE: await fileWith(t, SECRET) }, [both])
})

test('what is wrong with JWT_KEYS_FILE is told with every other mistake, by kid and without a value', async (t) => {
  const jwk = keyJwk('HS256', 'weak', 'XYZZY', { k: 'XYZZY', use: 'XYZZY' })
  const environment = { PORT: 'x', JWT_KEYS_FILE: await fileWith(t, keySetText(jwk)) }
  refused(t, environment, [
    'PORT must be a whole number from 0 to 65535',
    'JWT_KEYS_FILE: key weak must have the state next, current or previous',
    'JWT_KEYS_FILE: key weak must have the use sig, or none',
    'JWT_KEYS_FILE: key weak must have a k of at least 32 bytes in base64url',
    'JWT_KEYS_FILE: exactly one key must have the state current; it is none',
  ])
})

test('a short JWT_SECRET in a file is refused without its value', async (t) => {
  const file = await fileWith(t, `tooshort-XYZZY${' '.repeat(17)}\n`)
  refused(t, { JWT_SECRET_FILE: file }, ['JWT_SECRET must be text of at least 32 bytes'])
})

test('with NEO4J_URI a secret file that cannot be read is one mistake, not two', (t) => {
  const missing = join(tmpdir(), 'no such folder', 'secret')
  refused(t, { ...NEO4J, JWT_SECRET: '', JWT_SECRET_FILE: missing }, [
    'JWT_SECRET_FILE must name a file that can be read (ENOENT)',
  ])
})

test('a setting that is no secret is not read from a file', async (t) => {
  t.is(readConfig({ PORT_FILE: await fileWith(t, '8080') }).port, 3000)
})

test('the settings are printed by variable, with secrets masked', (t) => {
  const printed = printableConfig(
    readConfig({ ...NEO4J, PASSWORD_PEPPER: 'pepper-PLUGH', REUSE_DETECTION: 'off' }),
  )
  t.deepEqual(
    Object.keys(printed),
    Object.values(settings).map(({ variable }) => variable),
  )
  t.is(printed.NEO4J_PASSWORD, '********')
  t.is(printed.JWT_SECRET, '********')
  t.is(printed.PASSWORD_PEPPER, '********')
  t.is(printed.NEO4J_URI, 'bolt://localhost:7687')
  t.is(printed.PORT, '3000')
  t.is(printed.REUSE_DETECTION, 'off')
  t.is(printed.TOKEN_IN_QUERY, 'on')
  for (const secret of [SECRET, 'PLUGH', 'hunter22'])
    t.notRegex(JSON.stringify(printed), RegExp(secret))
})

test('a mask tells nothing of the length, and a secret that is not set has none', (t) => {
  const short = printableConfig(readConfig({ PASSWORD_PEPPER: 'x' }))
  const long = printableConfig(readConfig({ PASSWORD_PEPPER: 'x'.repeat(100) }))
  t.is(short.PASSWORD_PEPPER, long.PASSWORD_PEPPER)
  t.is(short.JWT_SECRET, '')
})

test('what is printed can be set again', (t) => {
  const config = readConfig({ PORT: '8080', TOKEN_IN_QUERY: 'off', LOG_LEVEL: 'silent' })
  t.deepEqual(readConfig(printableConfig(config)), config)
})

test("README's settings section matches the table", async (t) => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const section = readme.split(/^## /m).find((one) => one.startsWith('Settings\n')) ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  const rows = lines
    .filter((line) => line.includes('`'))
    .map((line) => /^\| *`(\w+)` *\| *(?:`([^`]*)`)? *\| *(.*?) *\|$/.exec(line)?.slice(1) ?? line)
  t.deepEqual(
    rows.map((row) => (typeof row === 'string' ? row : row.map((cell) => cell ?? ''))),
    Object.values(settings).map((setting) => [setting.variable, setting.default, setting.meaning]),
  )
})

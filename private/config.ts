import { isIPv4 } from 'node:net'
import { validate } from 'node-cron'
import { KeySetError } from '../src/key-set.ts'
import { parseNetworks } from '../src/source.ts'
import { readKeyFile } from './key-file.ts'
import { misspelt } from './misspelt.ts'
import { isOpenToOthers, readSecretFile } from './secret-file.ts'

/** The environment: variables by name. */
export type Environment = Record<string, string | undefined>

/** One setting: its variable, what it may be, and what it is for. */
export interface Setting<T = unknown> {
  variable: string
  /** The default as one would write it; empty for none. */
  default: string
  secret: boolean
  meaning: string
  /** What is allowed, in words. */
  allowed: string
  /** The value of a text, or undefined where it is not allowed. */
  parse(text: string): T | undefined
}

/** Every setting of the service. The README's section on settings says the same; a test compares. */
export const settings = {
  host: text('HOST', '127.0.0.1', 'address to listen on'),
  port: integer('PORT', 3000, 0, 65535, 'port to listen on; 0 takes a free one'),
  tlsCertFile: text('TLS_CERT_FILE', '', 'certificate chain (PEM) to serve HTTPS with'),
  tlsKeyFile: text('TLS_KEY_FILE', '', 'its private key (PEM), which only its owner may read'),
  tlsClientCaFile: text(
    'TLS_CLIENT_CA_FILE',
    '',
    'authorities (PEM) whose client certificates prove callers',
  ),
  callerAuth: choice(
    'CALLER_AUTH',
    'auto',
    ['auto', 'on', 'off'],
    'whether callers must prove who they are; auto: unless HOST is loopback',
  ),
  apiKeySecret: secret(
    'API_KEY_SECRET',
    'text of at least 32 bytes',
    'secret in the stored hashes of API keys; left out, it follows from JWT_SECRET or is made in DATA_DIR',
    (value) => Buffer.byteLength(value) >= 32,
  ),
  metricsPort: integer(
    'METRICS_PORT',
    0,
    0,
    65535,
    'port for /metrics alone, on the same HOST; 0 serves it on PORT',
  ),
  maxConnections: integer(
    'MAX_CONNECTIONS',
    10000,
    1,
    1000000,
    'connections that a process keeps open; more are closed as they come',
  ),
  trustedProxies: pattern(
    'TRUSTED_PROXIES',
    '',
    (value) => parseNetworks(value) !== undefined,
    'addresses or CIDR blocks with commas between them',
    'whose X-Forwarded-For is believed: proxies, and backends that pass log-ins on',
  ),
  dataDir: text('DATA_DIR', './data', 'folder of the embedded graph and of the made secret'),
  neo4jUri: pattern(
    'NEO4J_URI',
    '',
    isNeo4jUri,
    'bolt://HOST:PORT for one server, neo4j://HOST:PORT for a cluster, with +s for TLS',
    'the Neo4j to use; without it the embedded graph is used',
  ),
  neo4jUsername: text('NEO4J_USERNAME', '', 'user name at Neo4j; empty for no authentication'),
  neo4jPassword: secret(
    'NEO4J_PASSWORD',
    "anything but Neo4j's default, neo4j",
    'password at Neo4j',
    (value) => value !== 'neo4j',
  ),
  neo4jDatabase: text('NEO4J_DATABASE', 'neo4j', 'database at Neo4j'),
  jwtSecret: secret(
    'JWT_SECRET',
    'text of at least 32 bytes',
    'secret that signs the tokens (HS256); with NEO4J_URI it or JWT_KEYS_FILE is needed, else one is made in DATA_DIR',
    (value) => Buffer.byteLength(value) >= 32,
  ),
  jwtKeysFile: text(
    'JWT_KEYS_FILE',
    '',
    'file of the keys (private JWKS, mode 0600) that sign the tokens, in the place of JWT_SECRET',
  ),
  jwtIssuer: text('JWT_ISSUER', 'sessiongraph', 'issuer (iss) of the tokens'),
  jwtAudience: text('JWT_AUDIENCE', 'sessiongraph', 'audience (aud) of the tokens'),
  tokenTtlSeconds: integer('TOKEN_TTL_SECONDS', 900, 1, 31536000, 'life of a token'),
  sessionTtlSeconds: integer('SESSION_TTL_SECONDS', 1209600, 1, 315360000, 'life of a session'),
  sessionRetentionSeconds: integer(
    'SESSION_RETENTION_SECONDS',
    0,
    0,
    315360000,
    'how long a session that has ended is kept for those who look into it',
  ),
  maxSessionsPerUser: integer(
    'MAX_SESSIONS_PER_USER',
    50,
    0,
    1000,
    'how many live sessions a user may have: at a log-in the oldest ends; 0 for no limit',
  ),
  refreshGraceSeconds: integer(
    'REFRESH_GRACE_SECONDS',
    30,
    0,
    86400,
    'how long a refreshed token stays valid and gives the same successor',
  ),
  reuseDetection: toggle(
    'REUSE_DETECTION',
    'on',
    'whether a refreshed token that comes back after its grace ends its session',
  ),
  bcryptCost: integer('BCRYPT_COST', 12, 4, 15, 'cost of a password hash: 2^cost rounds'),
  passwordPepper: secret(
    'PASSWORD_PEPPER',
    'any text',
    'secret mixed into every password hash; keep it for good once set',
    () => true,
  ),
  hideUnknownUsers: toggle(
    'HIDE_UNKNOWN_USERS',
    'off',
    'whether an unknown user is answered like a wrong password',
  ),
  requireCurrentPassword: toggle(
    'REQUIRE_CURRENT_PASSWORD',
    'off',
    'whether a change of the password needs the current one',
  ),
  tokenInQuery: toggle('TOKEN_IN_QUERY', 'on', 'whether a token may come in the query string'),
  loginWindowSeconds: integer(
    'LOGIN_WINDOW_SECONDS',
    900,
    1,
    86400,
    'how long a wrong password is counted',
  ),
  loginFailuresPerAccount: integer(
    'LOGIN_FAILURES_PER_ACCOUNT',
    10,
    0,
    1000000,
    'wrong passwords for one account from one source, before 429; 0 for any number',
  ),
  loginFailuresPerSource: integer(
    'LOGIN_FAILURES_PER_SOURCE',
    100,
    0,
    1000000,
    'wrong passwords from one source, before 429; 0 for any number',
  ),
  loginFailuresInAll: integer(
    'LOGIN_FAILURES_IN_ALL',
    10000,
    0,
    100000000,
    'wrong passwords in all, before a source gets 429 after its first; 0 for any number',
  ),
  pruneSchedule: pattern(
    'PRUNE_SCHEDULE',
    '*/5 * * * *',
    validate,
    'a cron expression of five fields, or six with seconds',
    'when what has expired is removed',
  ),
  blacklistPollMs: integer(
    'BLACKLIST_POLL_MS',
    100,
    10,
    10000,
    'how long a process waits between two looks at the blacklist of the others',
  ),
  blacklistMaxStalenessMs: integer(
    'BLACKLIST_MAX_STALENESS_MS',
    1000,
    100,
    60000,
    'how old that look may be; past it each verify asks the graph',
  ),
  blacklistMaxEntries: integer(
    'BLACKLIST_MAX_ENTRIES',
    1000000,
    1000,
    100000000,
    'how many blacklist entries memory may hold; past that each verify asks the graph',
  ),
  checkedTokensMax: integer(
    'CHECKED_TOKENS_MAX',
    100000,
    0,
    // A Map that is always full and loses its oldest has room for 2^23.
    8000000,
    'how many verified tokens memory may hold whole; past that the oldest are checked anew',
  ),
  knownTokensMax: integer(
    'KNOWN_TOKENS_MAX',
    1000000,
    0,
    100000000,
    'how many ids of verified tokens memory may hold; past that the graph is asked for the oldest again',
  ),
  workers: integer(
    'WORKERS',
    1,
    1,
    64,
    'processes that share the port; more than one needs NEO4J_URI',
  ),
  logLevel: choice(
    'LOG_LEVEL',
    'info',
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'least level that is logged',
  ),
  auditLog: pattern(
    'AUDIT_LOG',
    'stdout',
    (value) => value === 'stdout' || value === 'off' || value.includes('/'),
    'stdout, off or the path of a file, with a slash in it',
    'where the lines of the audit go: stdout, off or a file',
  ),
  shutdownSeconds: integer('SHUTDOWN_SECONDS', 10, 1, 3600, 'time to finish what runs at a stop'),
} as const satisfies Record<string, Setting>

type Value<S> = S extends Setting<infer T> ? T : never

/** The settings in force. A text that was not set and has no default is empty. */
export type Config = { -readonly [K in keyof typeof settings]: Value<(typeof settings)[K]> }

/** All that is wrong with the settings, a line each: the variable and what is allowed. */
export class ConfigError extends Error {
  readonly mistakes: string[]

  constructor(mistakes: string[]) {
    super(mistakes.join('\n'))
    this.name = 'ConfigError'
    this.mistakes = mistakes
  }
}

/** Reads every setting, `NAME_FILE` for secrets included. Throws a ConfigError with all mistakes. */
export function readConfig(environment: Environment): Config {
  const mistakes: string[] = []
  const values = Object.entries(settings).map(([name, setting]) => {
    const given = textOf(setting, environment, mistakes)
    const value = given && setting.parse(given)
    if (given && value === undefined) {
      mistakes.push(`${setting.variable} must be ${setting.allowed}`)
    }
    return [name, value]
  })
  // What was given and could not be taken is undefined here: it is not called unset as well.
  const config = Object.fromEntries(values) as Config
  mistakes.push(...together(config), ...keyMistakes(config), ...unknownOnes(environment))
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return config
}

function together(config: Config): string[] {
  const mistakes: string[] = []
  if (config.neo4jUri !== '' && config.jwtSecret === '' && config.jwtKeysFile === '') {
    mistakes.push(
      'JWT_SECRET or JWT_KEYS_FILE must be set with NEO4J_URI, the same on every replica',
    )
  }
  if (config.jwtSecret !== '' && config.jwtKeysFile !== '') {
    mistakes.push(
      'JWT_SECRET and JWT_KEYS_FILE must not both be set; "sessiongraph keys init --secret-file" takes the secret into the file',
    )
  }
  if (config.neo4jUri !== '' && config.jwtKeysFile !== '' && config.apiKeySecret === '') {
    mistakes.push(
      'API_KEY_SECRET must be set with JWT_KEYS_FILE and NEO4J_URI, the same on every replica',
    )
  }
  const hasPassword = config.neo4jPassword === undefined || config.neo4jPassword !== ''
  if ((config.neo4jUsername === '') === hasPassword) {
    mistakes.push('NEO4J_USERNAME and NEO4J_PASSWORD must both be set, or neither')
  }
  if ((config.tlsCertFile === '') !== (config.tlsKeyFile === '')) {
    mistakes.push('TLS_CERT_FILE and TLS_KEY_FILE must both be set, or neither')
  }
  if (config.tlsClientCaFile !== '' && config.tlsCertFile === '') {
    mistakes.push('TLS_CLIENT_CA_FILE needs TLS_CERT_FILE and TLS_KEY_FILE')
  }
  if (config.workers > 1 && config.neo4jUri === '') {
    mistakes.push(
      'WORKERS must be 1 with the embedded graph, which one process owns; set NEO4J_URI',
    )
  }
  if (config.blacklistPollMs * 2 > config.blacklistMaxStalenessMs) {
    mistakes.push('BLACKLIST_POLL_MS must be at most half of BLACKLIST_MAX_STALENESS_MS')
  }
  if (config.tokenTtlSeconds > config.sessionTtlSeconds) {
    mistakes.push('TOKEN_TTL_SECONDS must be at most SESSION_TTL_SECONDS')
  }
  return mistakes
}

/** Whether callers must prove who they are: where others than this machine can reach the service. */
export function asksCallers({ callerAuth, host }: Pick<Config, 'callerAuth' | 'host'>): boolean {
  if (callerAuth !== 'auto') return callerAuth === 'on'
  return !(host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.')))
}

// A setting that is misspelt would silently stay at its default.
function unknownOnes(environment: Environment): string[] {
  const known = Object.values(settings).flatMap(({ variable, secret }) =>
    secret ? [variable, `${variable}_FILE`] : [variable],
  )
  const given = Object.keys(environment).filter((name) => environment[name])
  return misspelt(given, known).map(
    ({ given, meant }) => `${given} is no setting: did you mean ${meant}? Else unset it`,
  )
}

function keyMistakes({ jwtKeysFile }: Config): string[] {
  if (jwtKeysFile === '') return []
  try {
    readKeyFile(jwtKeysFile)
    return []
  } catch (error) {
    if (error instanceof KeySetError) return error.mistakes
    throw error
  }
}

/** The settings in force as NAME=value lines, with secrets masked. */
export function printableConfig(config: Config): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => {
      const value = config[name as keyof Config]
      const shown = typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)
      return [setting.variable, setting.secret && shown !== '' ? '********' : shown]
    }),
  )
}

// A password in the address would be printed wherever the address is.
function isNeo4jUri(text: string): boolean {
  const form = /^(?:bolt|neo4j)(?:\+s|\+ssc)?:\/\/(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::(\d{1,5}))?$/
  const match = form.exec(text)
  return match !== null && Number(match[1] ?? 0) <= 65535
}

function textOf(
  { variable, secret, default: standard }: Setting,
  environment: Environment,
  mistakes: string[],
): string | undefined {
  const value = environment[variable] || undefined
  const file = secret ? environment[`${variable}_FILE`] || undefined : undefined
  if (file === undefined) return value ?? standard
  if (value !== undefined) {
    mistakes.push(`${variable} and ${variable}_FILE must not both be set`)
    return undefined
  }
  try {
    const text = readSecretFile(file)
    if (text === '') mistakes.push(`${variable}_FILE must name a file that is not empty`)
    else if (!isOpenToOthers(file)) return text
    else mistakes.push(`${variable}_FILE must name a file that only its owner can read: chmod 600`)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    mistakes.push(`${variable}_FILE must name a file that can be read (${code})`)
    return undefined
  }
}

function text(variable: string, standard: string, meaning: string): Setting<string> {
  const parse = (value: string) => value
  return { variable, default: standard, secret: false, meaning, allowed: 'text', parse }
}

function pattern(
  variable: string,
  standard: string,
  isAllowed: (value: string) => boolean,
  allowed: string,
  meaning: string,
): Setting<string> {
  const parse = (value: string) => (isAllowed(value) ? value : undefined)
  return { variable, default: standard, secret: false, meaning, allowed, parse }
}

function secret(
  variable: string,
  allowed: string,
  meaning: string,
  isAllowed: (value: string) => boolean,
): Setting<string> {
  const parse = (value: string) => (isAllowed(value) ? value : undefined)
  return { variable, default: '', secret: true, meaning, allowed, parse }
}

function integer(
  variable: string,
  standard: number,
  least: number,
  most: number,
  meaning: string,
): Setting<number> {
  const allowed = `a whole number from ${least} to ${most}`
  function parse(value: string) {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    return number >= least && number <= most ? number : undefined
  }
  return { variable, default: String(standard), secret: false, meaning, allowed, parse }
}

function choice<const T extends string>(
  variable: string,
  standard: T,
  values: readonly T[],
  meaning: string,
): Setting<T> {
  const allowed = values.join(', ').replace(/, (\w+)$/, ' or $1')
  const parse = (value: string) => values.find((one) => one === value)
  return { variable, default: standard, secret: false, meaning, allowed, parse }
}

function toggle(variable: string, standard: 'on' | 'off', meaning: string): Setting<boolean> {
  function parse(value: string) {
    if (value === 'on') return true
    return value === 'off' ? false : undefined
  }
  return { variable, default: standard, secret: false, meaning, allowed: 'on or off', parse }
}

import type { UserName } from '../directory.ts'
import type { KeyFile } from '../key-set.ts'
import type { GraphStatus, Operator, Pruned } from '../operator.ts'
import { callerCommands } from './caller-commands.ts'
import { keyCommands } from './key-commands.ts'
import { facts, table, time } from './print.ts'
import { recovery } from './recovery.ts'

/** Files of the embedded graph. */
export interface Archive {
  /** Makes a backup of a folder that holds a copy of the graph, and removes the folder. */
  pack(
    copy: string,
    file: string,
    isReplacing: boolean,
  ): Promise<{ file: string; bytes: number; holds: GraphStatus }>
  /** Replaces the graph by a backup; gives where the old one is, and before when all log-ins ended (ms). */
  restore(file: string): Promise<{ replaced: string; before: number }>
}

/** What a command may ask its surroundings for. */
export interface Surroundings {
  /** A secret from standard input, or from the file that an option names. */
  secret(name: string, file: string | undefined): Promise<string>
  archive: Archive
  /** Shows how far long work is, where somebody watches. */
  progress(text: string): void
  /** The file of the signing keys. */
  keys: KeyFile
}

/** The options of the command line, as they were given. */
export interface Options {
  'dry-run': boolean
  'password-file': string | undefined
  'issued-before': string | undefined
  user: string | undefined
  force: boolean
  tenant: string | undefined
  session: string | undefined
  except: string | undefined
  scopes: string | undefined
  overlap: string | undefined
  certificate: boolean
  'secret-file': string | undefined
  alg: string | undefined
}

/** What a command has to say: for people, for programs (--json), and as its exit code. */
export interface Outcome {
  text: string
  json: unknown
  exitCode: number
}

interface Described {
  /** The words that call it. */
  words: string
  /** Names of what must follow, and options: those without brackets must be given. */
  takes: string[]
  options: string
  summary: string
  example: string
}

/** A command that acts on the graph. */
export interface GraphCommand extends Described {
  run(
    operator: Operator,
    args: string[],
    options: Options,
    surroundings: Surroundings,
  ): Promise<Outcome>
}

/** A command that needs neither the graph nor the service. */
export interface LocalCommand extends Described {
  runAlone(args: string[], options: Options, surroundings: Surroundings): Promise<Outcome>
}

export type Command = GraphCommand | LocalCommand

const DONE = { text: 'Success', json: { message: 'Success' }, exitCode: 0 }
const TENANT_OPTION = '[--tenant TENANT]'
const PASSWORD_OPTION = `${TENANT_OPTION} [--password-file FILE]`

export const commands: Command[] = [
  {
    words: 'status',
    takes: [],
    options: '',
    summary: 'what the graph holds, and the place of its feed',
    example: 'sessiongraph status --json',
    async run(operator) {
      const status = await operator.status()
      return outcome({ ...status, now: time(status.now) }, status)
    },
  },
  {
    words: 'prune',
    takes: [],
    options: '[--dry-run]',
    summary: 'remove what has expired, or count it',
    example: 'sessiongraph prune --dry-run',
    run: prune,
  },
  {
    words: 'user add',
    takes: ['USER'],
    options: PASSWORD_OPTION,
    summary: 'register a user; the password comes from standard input or a file',
    example: 'sessiongraph user add ada < password.txt',
    async run(operator, [username = ''], options, { secret }) {
      const password = await secret('Password', options['password-file'])
      await operator.addUser({ ...userOf(username, options), password })
      return DONE
    },
  },
  {
    words: 'user password',
    takes: ['USER'],
    options: PASSWORD_OPTION,
    summary: "set a user's password and end all of the user's sessions",
    example: 'sessiongraph user password ada --password-file /run/secrets/ada',
    async run(operator, [username = ''], options, { secret }) {
      const password = await secret('New password', options['password-file'])
      await operator.setPassword({ ...userOf(username, options), password })
      return DONE
    },
  },
  {
    words: 'user show',
    takes: ['USER'],
    options: TENANT_OPTION,
    summary: 'who a user is, and how many sessions are live',
    example: 'sessiongraph user show ada',
    async run(operator, [username = ''], options) {
      const user = await operator.showUser(userOf(username, options))
      return outcome({ ...user, createdAt: time(user.createdAt) }, user)
    },
  },
  {
    words: 'user suspend',
    takes: ['USER'],
    options: TENANT_OPTION,
    summary: "end all of a user's sessions and refuse log-ins",
    example: 'sessiongraph user suspend ada',
    async run(operator, [username = ''], options) {
      await operator.suspendUser(userOf(username, options))
      return DONE
    },
  },
  {
    words: 'user reinstate',
    takes: ['USER'],
    options: TENANT_OPTION,
    summary: 'let a suspended user log in anew',
    example: 'sessiongraph user reinstate ada',
    async run(operator, [username = ''], options) {
      await operator.reinstateUser(userOf(username, options))
      return DONE
    },
  },
  {
    words: 'user delete',
    takes: ['USER'],
    options: TENANT_OPTION,
    summary: "end all of a user's sessions and forget the user; the name is free",
    example: 'sessiongraph user delete ada',
    async run(operator, [username = ''], options) {
      await operator.deleteUser(userOf(username, options))
      return DONE
    },
  },
  {
    words: 'sessions list',
    takes: ['USER'],
    options: TENANT_OPTION,
    summary: "a user's sessions, the newest first",
    example: 'sessiongraph sessions list ada',
    async run(operator, [username = ''], options) {
      const sessions = await operator.listSessions(userOf(username, options))
      const rows = sessions.map(({ id, state, reason, createdAt, expiresAt, tokens }) => ({
        session: id,
        state,
        reason: reason ?? '',
        created: time(createdAt),
        expires: time(expiresAt),
        tokens,
      }))
      return { text: table(rows, 'no sessions'), json: sessions, exitCode: 0 }
    },
  },
  {
    words: 'sessions end',
    takes: ['USER'],
    options: `${TENANT_OPTION} [--session ID | --except ID]`,
    summary: 'end every session of a user, or one, or all but one',
    example: 'sessiongraph sessions end ada --except CDKiw4wOShw7yPFjMP-Eeg',
    async run(operator, [username = ''], options) {
      const { session, except } = options
      await operator.endSessions({
        ...userOf(username, options),
        ...(session !== undefined && { session }),
        ...(except !== undefined && { except }),
      })
      return DONE
    },
  },
  {
    words: 'tenant add',
    takes: ['TENANT'],
    options: '',
    summary: 'add a tenant: users apart from all others',
    example: 'sessiongraph tenant add acme',
    async run(operator, [name = '']) {
      const tenant = await operator.addTenant(name)
      return { ...DONE, json: tenant }
    },
  },
  {
    words: 'tenant list',
    takes: [],
    options: '',
    summary: 'every tenant, and whether it is suspended',
    example: 'sessiongraph tenant list',
    async run(operator) {
      const tenants = await operator.listTenants()
      const rows = tenants.map(({ name, status, id }) => ({ tenant: name, status, id }))
      return { text: table(rows, 'no tenants'), json: tenants, exitCode: 0 }
    },
  },
  {
    words: 'tenant suspend',
    takes: ['TENANT'],
    options: '',
    summary: 'end every session of its users and refuse log-ins and registrations',
    example: 'sessiongraph tenant suspend acme',
    async run(operator, [name = '']) {
      await operator.suspendTenant(name)
      return DONE
    },
  },
  {
    words: 'tenant reinstate',
    takes: ['TENANT'],
    options: '',
    summary: 'let the users of a suspended tenant log in anew',
    example: 'sessiongraph tenant reinstate acme',
    async run(operator, [name = '']) {
      await operator.reinstateTenant(name)
      return DONE
    },
  },
  ...callerCommands,
  ...recovery,
  {
    words: 'token explain',
    takes: ['TOKEN'],
    options: '',
    summary: "a token's state, and the path and the entry that decide it; - reads standard input",
    example: 'sessiongraph token explain - < token.txt',
    run: explain,
  },
  ...keyCommands,
]

function userOf(username: string, { tenant }: Options): UserName {
  return tenant === undefined ? { username } : { tenant, username }
}

function outcome(shown: object, json: object): Outcome {
  return { text: facts(shown), json, exitCode: 0 }
}

async function prune(
  operator: Operator,
  _: string[],
  options: Options,
  { progress }: Surroundings,
): Promise<Outcome> {
  const dryRun = options['dry-run']
  const count = ({ tokens, sessions, entries }: Pruned) =>
    `${tokens} tokens, ${sessions} sessions, ${entries} blacklist entries`
  const pruned = await operator.prune({ dryRun, onProgress: (so) => progress(count(so)) })
  if (!pruned) {
    const text = 'Another replica is pruning: nothing was done.'
    return { text, json: { message: text }, exitCode: 0 }
  }
  const verb = dryRun ? 'would remove' : 'removed'
  return { text: `${verb} ${count(pruned)}`, json: { dryRun, ...pruned }, exitCode: 0 }
}

async function explain(
  operator: Operator,
  [given = '']: string[],
  _: Options,
  { secret }: Surroundings,
): Promise<Outcome> {
  const explained = await operator.explainToken(
    given === '-' ? await secret('Token', undefined) : given,
  )
  const { state, why, token, decidedBy } = explained
  const path = token && {
    tenant: `${token.tenant.id} generation ${token.tenant.generation}`,
    user: `${token.user.id} ${token.user.username} generation ${token.user.generation}`,
    sessions: token.sessions.join(' > '),
    token: token.id,
    issued: time(token.issuedAt),
    expires: time(token.expiresAt),
  }
  const entry = decidedBy && {
    entry: `${decidedBy.seq}: ${decidedBy.kind}, about ${decidedBy.scope === 'all' ? 'everyone' : `${decidedBy.scope} ${decidedBy.id}`}`,
    reason: decidedBy.reason,
    since: time(decidedBy.from),
  }
  const text = facts({ state, why, ...path, ...entry })
  return { text, json: explained, exitCode: state === 'valid' ? 0 : 1 }
}

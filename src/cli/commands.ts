import type { Operator, Pruned } from '../operator.ts'
import { facts, table, time } from './print.ts'

/** What a command may ask its surroundings for. */
export interface Surroundings {
  /** A secret from standard input, or from the file that an option names. */
  secret(name: string, file: string | undefined): Promise<string>
  /** Shows how far long work is, where somebody watches. */
  progress(text: string): void
}

/** The options of the command line, as they were given. */
export interface Options {
  'dry-run': boolean
  'password-file': string | undefined
}

/** What a command has to say: for people, for programs (--json), and as its exit code. */
export interface Outcome {
  text: string
  json: unknown
  exitCode: number
}

export interface Command {
  /** The words that call it. */
  words: string
  /** Names of what must follow, and options. */
  takes: string[]
  options: string
  summary: string
  example: string
  run(
    operator: Operator,
    args: string[],
    options: Options,
    surroundings: Surroundings,
  ): Promise<Outcome>
}

const DONE = { text: 'Success', json: { message: 'Success' }, exitCode: 0 }
const PASSWORD_OPTION = '[--password-file FILE]'

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
      await operator.addUser({ username, password })
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
      await operator.setPassword({ username, password })
      return DONE
    },
  },
  {
    words: 'user show',
    takes: ['USER'],
    options: '',
    summary: 'who a user is, and how many sessions are live',
    example: 'sessiongraph user show ada',
    async run(operator, [username = '']) {
      const user = await operator.showUser(username)
      return outcome({ ...user, createdAt: time(user.createdAt) }, user)
    },
  },
  {
    words: 'sessions list',
    takes: ['USER'],
    options: '',
    summary: "a user's sessions, the newest first",
    example: 'sessiongraph sessions list ada',
    async run(operator, [username = '']) {
      const sessions = await operator.listSessions(username)
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
    options: '',
    summary: 'end every session of a user',
    example: 'sessiongraph sessions end ada',
    async run(operator, [username = '']) {
      await operator.endSessions(username)
      return DONE
    },
  },
  {
    words: 'token explain',
    takes: ['TOKEN'],
    options: '',
    summary: "a token's state, and the path and the entry that decide it; - reads standard input",
    example: 'sessiongraph token explain - < token.txt',
    run: explain,
  },
]

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
    entry: `${decidedBy.seq}: ${decidedBy.kind}, about ${decidedBy.scope} ${decidedBy.id}`,
    reason: decidedBy.reason,
    since: time(decidedBy.from),
  }
  const text = facts({ state, why, ...path, ...entry })
  return { text, json: explained, exitCode: state === 'valid' ? 0 : 1 }
}

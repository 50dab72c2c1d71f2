import type { KeyFile } from '../key-set.ts'
import type { GraphStatus, Operator, Pruned } from '../operator.ts'
import { callerCommands } from './caller-commands.ts'
import { keyCommands } from './key-commands.ts'
import { type Outcome, told } from './outcome.ts'
import { facts, time } from './print.ts'
import { recovery } from './recovery.ts'
import { tenantCommands } from './tenant-commands.ts'
import { userCommands } from './user-commands.ts'

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

export const commands: Command[] = [
  {
    words: 'status',
    takes: [],
    options: '',
    summary: 'what the graph holds, and the place of its feed',
    example: 'sessiongraph status --json',
    async run(operator) {
      const status = await operator.status()
      return told({ ...status, now: time(status.now) }, status)
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
  ...userCommands,
  ...tenantCommands,
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

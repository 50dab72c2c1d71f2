import { AuthError } from '../error.ts'

/** What a message about the server names. */
export interface Server {
  /** `db.example:7687`. */
  place: string
  username: string
  database: string
}

/**
 * What an error says about the statement: `lost` with its connection, `passing` if it may succeed when
 * it is run again, `denied` by a server that cannot serve it now, or a `defect` of the program.
 */
export type Kind = 'lost' | 'passing' | 'denied' | 'defect'

/** The errors of neo4j-driver, of the system and our own, as far as they are looked at. */
interface Failure extends Error {
  code?: string
  retriable?: boolean
}

const LOST = /^ServiceUnavailable$|^ProtocolError$|Security\.(?!Forbidden|AuthorizationExpired)/
// Of several that make the same schema at once, all but one may be told that it exists.
const PASSING = /NotALeader|ForbiddenOnReadOnlyDatabase|LockClientStopped|Schema\.\w+AlreadyExists$/
const DENIED =
  /^SILENT$|^BUSY$|TransactionTimedOut|Terminated|Security|DatabaseNotFound|DatabaseUnavailable|^Neo\.DatabaseError/

/** An error of our own. */
export function failure(code: string): Error {
  return Object.assign(new Error(code), { code })
}

export function kindOf(error: unknown): Kind {
  if (!(error instanceof Error)) return 'defect'
  const { code = '', retriable } = error as Failure
  if (LOST.test(code)) return 'lost'
  if (retriable || PASSING.test(code)) return 'passing'
  return DENIED.test(code) ? 'denied' : 'defect'
}

/** Whether the server itself has said so, and not this end of the connection. */
export function isAnswer(error: unknown): boolean {
  return error instanceof Error && /^Neo\./.test((error as Failure).code ?? '')
}

/** Whether asking again soon would count as guessing a password and lock others out, too. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && /Security/.test((error as Failure).code ?? '')
}

/** The same as service_unavailable, its cause saying to an operator what is wrong and what to do. */
export function unavailable(error: unknown, server: Server): AuthError {
  return new AuthError('service_unavailable', {
    cause: new Error(reasonOf(error, server), { cause: error }),
  })
}

type Explain = (server: Server) => string

const wrongCredentials: Explain = ({ place, username }) =>
  username === ''
    ? `Neo4j at ${place} wants credentials: set NEO4J_USERNAME and NEO4J_PASSWORD`
    : `Neo4j at ${place} refuses the credentials of ${username}: check NEO4J_USERNAME and NEO4J_PASSWORD`

const notFound: Explain = ({ place }) =>
  `the name in ${place} is not found: check NEO4J_URI and the name service`

const closing: Explain = ({ place }) =>
  `what listens at ${place} closes connections: see whether it is starting, and whether NEO4J_URI needs +s (TLS) or must not have it`

/** By a part of the error's code; the first that fits. */
const reasons: [string, Explain][] = [
  [
    'ECONNREFUSED',
    ({ place }) => `nothing listens at ${place}: start Neo4j, or set NEO4J_URI to where it listens`,
  ],
  ['ENOTFOUND', notFound],
  ['EAI_AGAIN', notFound],
  [
    'SILENT',
    ({ place }) =>
      `Neo4j at ${place} does not answer in time: see whether it hangs, and the network in between`,
  ],
  [
    'ServiceUnavailable',
    ({ place }) =>
      `the connection to Neo4j at ${place} was lost: see whether it runs, and the network in between`,
  ],
  ['BUSY', ({ place }) => `Neo4j at ${place} is too slow for the load: see what keeps it busy`],
  ['CLOSED', closing],
  ['ECONNRESET', closing],
  [
    'NOT_BOLT',
    ({ place }) => `what listens at ${place} is not Bolt: set NEO4J_URI to Neo4j's Bolt port`,
  ],
  ['TOO_OLD', ({ place }) => `Neo4j at ${place} is too old: upgrade it to Neo4j 5 or newer`],
  [
    'CredentialsExpired',
    ({ place, username }) =>
      `Neo4j at ${place} wants a new password for ${username}: change it there first`,
  ],
  [
    'Security.Forbidden',
    ({ place, username }) =>
      `Neo4j at ${place} does not let ${username} do this: grant it to read, write and make schema`,
  ],
  ['Security', wrongCredentials],
  [
    'DatabaseNotFound',
    ({ place, database }) =>
      `Neo4j at ${place} has no database ${database}: create it, or set NEO4J_DATABASE`,
  ],
  [
    'DatabaseUnavailable',
    ({ place, database }) =>
      `database ${database} of Neo4j at ${place} is not available: it is starting, or was stopped`,
  ],
  [
    'NotALeader',
    ({ place }) =>
      `Neo4j at ${place} is not the cluster's leader: use neo4j:// instead of bolt:// in NEO4J_URI`,
  ],
]

/** For an operator: what is wrong, and what to do next. */
export function reasonOf(error: unknown, server: Server): string {
  const { code = '', message } = error as Failure
  const [, explain] = reasons.find(([part]) => code.includes(part)) ?? []
  return explain ? explain(server) : `Neo4j at ${server.place}: ${message}`
}

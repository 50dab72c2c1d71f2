import { setTimeout as delay } from 'node:timers/promises'
import neo4j, { type Driver, type Neo4jError, type Session } from 'neo4j-driver'
import { AuthError } from '../error.ts'
import type { Engine, Parameters, Row } from './engine.ts'

interface Connection {
  /** `bolt://` for one server, `neo4j://` for a cluster. */
  uri: string
  username: string
  password: string
  database: string
  /** How long a statement may take in all, its repeats included. */
  deadlineMs: number
}

const RETRY_MS = 25

/** Connects when it is first asked, so that a missing database fails the call and not the start. */
export function connectNeo4j(connection: Connection): Engine {
  const { uri, username, password, database, deadlineMs } = connection
  const auth = username === '' ? undefined : neo4j.auth.basic(username, password)
  const driver: Driver = neo4j.driver(uri, auth, {
    disableLosslessIntegers: true,
    connectionTimeout: deadlineMs,
    connectionAcquisitionTimeout: deadlineMs,
    maxConnectionPoolSize: 50,
    telemetryDisabled: true,
  })

  // On a cluster both go to the leader: a follower may not have seen yet what was acknowledged.
  async function once(statement: string, parameters: Parameters, timeout: number): Promise<Row[]> {
    const session = driver.session({ database, defaultAccessMode: neo4j.session.WRITE })
    const timer = new AbortController()
    try {
      return await Promise.race([
        session
          .run(statement, parameters, { timeout })
          .then(({ records }) => records.map((record) => record.toObject())),
        delay(timeout, undefined, { signal: timer.signal }).then(() => {
          throw new AuthError('service_unavailable')
        }),
      ])
    } finally {
      timer.abort()
      release(session)
    }
  }

  // The driver repeats managed transactions only; ours are single statements that know their own work.
  async function run(statement: string, parameters: Parameters = {}): Promise<Row[]> {
    const end = performance.now() + deadlineMs
    const values = integers(parameters) as Parameters
    for (;;) {
      try {
        return await once(statement, values, Math.max(1, Math.round(end - performance.now())))
      } catch (error) {
        if (!isPassing(error)) throw failure(error)
        if (performance.now() + 2 * RETRY_MS > end) throw unavailable(error)
        await delay(RETRY_MS * (0.5 + Math.random()))
      }
    }
  }

  return {
    description: `Neo4j at ${uri}, database ${database}`,
    read: run,
    write: run,
    async requireUnique(label, property) {
      await run(
        `CREATE CONSTRAINT ${label}_${property} IF NOT EXISTS FOR (n:${label}) REQUIRE n.${property} IS UNIQUE`,
      )
    },
    async requireIndex(label, property) {
      await run(
        `CREATE INDEX ${label}_${property}_index IF NOT EXISTS FOR (n:${label}) ON (n.${property})`,
      )
    },
    close: () => driver.close(),
  }
}

// Closing waits for a statement that still runs; whoever asked must not.
function release(session: Session): void {
  session.close().catch(() => undefined)
}

/** JavaScript's numbers go out as floats unless said otherwise. */
function integers(value: unknown): unknown {
  if (Number.isSafeInteger(value)) return neo4j.int(value as number)
  if (Array.isArray(value)) return value.map(integers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, integers(part)]))
}

function isNeo4jError(error: unknown): error is Neo4jError {
  return error instanceof Error && error.name === 'Neo4jError'
}

function isPassing(error: unknown): boolean {
  return isNeo4jError(error) && (error.retriable || error.code === 'ServiceUnavailable')
}

function failure(error: unknown): unknown {
  if (!isNeo4jError(error)) return error
  // A statement cut off at its deadline, wrong credentials, a database that is not there (yet).
  return /TransactionTimedOut|Terminated|Security|DatabaseNotFound|DatabaseUnavailable/.test(
    error.code,
  )
    ? unavailable(error)
    : error
}

function unavailable(cause: unknown): AuthError {
  return cause instanceof AuthError ? cause : new AuthError('service_unavailable', { cause })
}

import { setTimeout as delay } from 'node:timers/promises'
import neo4j, { type Driver } from 'neo4j-driver'
import { AuthError } from '../error.ts'
import { addressOf, greet } from './bolt-greeting.ts'
import type { Engine, Parameters, Row } from './engine.ts'
import { failure, isAnswer, isRefusal, kindOf, reasonOf, unavailable } from './neo4j-failure.ts'
import { createLink, type Line } from './neo4j-link.ts'
import { createWarmUp } from './warm-up.ts'

interface Connection {
  /** `bolt://` for one server, `neo4j://` for a cluster. */
  uri: string
  username: string
  password: string
  database: string
  /** How long a statement may take in all, its repeats included. */
  deadlineMs: number
  /** How many statements may run at once. */
  maxConnectionPoolSize?: number
  /** Told, for a log, why the database cannot be used, each time the reason is another. */
  onAway?(reason: string): void
  /** Told that it can be used, and for how long it could not, in ms. */
  onBack?(awayMs: number): void
}

const OLDEST_BOLT = 5
const SEEK_MS = 500
/** Seldom, since after three wrong passwords Neo4j locks out everybody who uses the name. */
const REFUSED_MS = 10_000
/** Deadlines that planning may take before others may ask. */
const PLANNING = 1.2
const RETRY_MS = 25
const MOST_RETRY_MS = 400

/** Connects when it is first asked, so that a missing database fails the call and not the start. */
export function connectNeo4j(connection: Connection): Engine {
  const { uri, username, password, database, deadlineMs, maxConnectionPoolSize = 50 } = connection
  const address = addressOf(uri)
  const server = { place: `${address.host}:${address.port}`, username, database }
  const auth = username === '' ? undefined : neo4j.auth.basic(username, password)
  const warmUp = createWarmUp()
  let away: string | undefined

  const link = createLink<Driver>({
    async open() {
      if ((await greet(address, deadlineMs)) < OLDEST_BOLT) throw failure('TOO_OLD')
      const driver = neo4j.driver(uri, auth, {
        disableLosslessIntegers: true,
        connectionTimeout: deadlineMs,
        // With a place for each connection nothing waits here but for one that is being made.
        connectionAcquisitionTimeout: 10 * deadlineMs,
        maxConnectionPoolSize,
        telemetryDisabled: true,
      })
      try {
        await Promise.race([driver.getServerInfo({ database }), silence(2 * deadlineMs)])
        await Promise.race([
          planAll(driver),
          delay(PLANNING * deadlineMs, undefined, { ref: false }),
        ])
        return driver
      } catch (error) {
        await driver.close()
        throw error
      }
    },
    shut: (driver) => driver.close(),
    places: maxConnectionPoolSize,
    patienceMs: deadlineMs,
    pauseMs: (error) => (isRefusal(error) ? REFUSED_MS : SEEK_MS),
    onAway(error) {
      const reason = reasonOf(error, server)
      if (reason !== away) connection.onAway?.(reason)
      away = reason
    },
    onBack(awayMs) {
      away = undefined
      connection.onBack?.(awayMs)
    },
  })

  // A server that has just started plans each statement anew, which can take it longer than the
  // deadline when all of them come at once: then none would succeed for a while.
  async function planAll(driver: Driver): Promise<void> {
    const session = driver.session({ database, defaultAccessMode: neo4j.session.WRITE })
    const explain = (statement: string, parameters: Parameters) =>
      session.run(statement, integers(parameters)).then(undefined, () => undefined)
    await warmUp.plan(explain, performance.now() + PLANNING * deadlineMs)
    await session.close()
  }

  // On a cluster all go to the leader: a follower may not have seen yet what was acknowledged.
  async function once(line: Line<Driver>, statement: string, values: Parameters, end: number) {
    const free = await line.places.take(end)
    if (!free) throw failure(performance.now() < end ? 'ServiceUnavailable' : 'BUSY')
    const begun = performance.now()
    const timeout = Math.max(1, Math.round(end - begun))
    const session = line.driver.session({ database, defaultAccessMode: neo4j.session.WRITE })
    const done = new AbortController()
    try {
      const answer = session.run(statement, values, { timeout })
      const { records } = await Promise.race([answer, silence(timeout, done.signal)])
      line.answeredAt = performance.now()
      return records.map((record) => record.toObject() as Row)
    } catch (error) {
      if (isAnswer(error)) line.answeredAt = performance.now()
      // Late, while nothing else was answered either: the connections are dead.
      const isDead = line.answeredAt < begun && performance.now() - begun > deadlineMs / 2
      if (kindOf(error) === 'lost' || isDead) link.lose(line, error)
      throw error
    } finally {
      done.abort()
      // This ends what still runs there, and waits for the word of it: whoever asked must not.
      const patience = setTimeout(() => link.lose(line, failure('SILENT')), 4 * deadlineMs).unref()
      session
        .close()
        .catch(() => undefined)
        .finally(() => {
          clearTimeout(patience)
          free(line.answeredAt >= begun)
        })
    }
  }

  // The driver repeats managed transactions only; ours are single statements that know their own work.
  async function run(statement: string, parameters: Parameters = {}): Promise<Row[]> {
    const end = performance.now() + deadlineMs
    const values = integers(parameters) as Parameters
    for (let retryMs = RETRY_MS; ; retryMs = Math.min(2 * retryMs, MOST_RETRY_MS)) {
      const line = await lineBy(end)
      try {
        return await once(line, statement, values, end)
      } catch (error) {
        const kind = kindOf(error)
        if (kind === 'defect') throw error
        const pauseMs = retryMs * (0.5 + Math.random())
        if (kind === 'denied' || performance.now() + pauseMs > end) throw unavailable(error, server)
        await delay(pauseMs)
      }
    }
  }

  async function ask(statement: string, parameters: Parameters = {}): Promise<Row[]> {
    const rows = await run(statement, parameters)
    warmUp.note(statement, parameters)
    return rows
  }

  async function lineBy(end: number): Promise<Line<Driver>> {
    try {
      return await link.line(end)
    } catch (error) {
      throw unavailable(error ?? failure('SILENT'), server)
    }
  }

  return {
    description: `Neo4j at ${server.place}, database ${database}`,
    needsHeartbeat: uri.startsWith('neo4j'),
    read: ask,
    write: ask,
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
    async copy() {
      throw new AuthError('request_is_invalid', {
        detail: 'Neo4j has its own: neo4j-admin database dump, or backup. See docs/operations.md.',
      })
    },
    close: () => link.close(),
  }
}

/** Throws when the time is over, unless it is called off before: then it never settles. */
async function silence(ms: number, signal?: AbortSignal): Promise<never> {
  await delay(ms, undefined, { ref: false, ...(signal && { signal }) })
  throw failure('SILENT')
}

/** JavaScript's numbers go out as floats unless said otherwise. */
function integers(value: unknown): unknown {
  if (Number.isSafeInteger(value)) return neo4j.int(value as number)
  if (Array.isArray(value)) return value.map(integers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, integers(part)]))
}

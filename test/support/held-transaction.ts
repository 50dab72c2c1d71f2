import driver from 'neo4j-driver'
import { neo4j } from './engines.ts'

/** A transaction of another writer, open until it is committed. */
export interface HeldTransaction {
  /** Runs a statement in it; gives its rows. Whole numbers go out as integers. */
  run(statement: string, parameters?: Record<string, unknown>): Promise<Record<string, unknown>[]>
  commit(): Promise<void>
}

/** The part of a test that is used here. */
interface Owner {
  teardown(end: () => Promise<void>): void
}

/** Begins a transaction on the Neo4j of the tests; what is not committed goes with the test. */
export function holdTransaction(t: Owner): HeldTransaction {
  if (!neo4j) throw new Error('NEO4J_TEST_URI is not set')
  const { uri, username, password, database } = neo4j
  const auth = username === '' ? undefined : driver.auth.basic(username, password)
  const held = driver.driver(uri, auth, { disableLosslessIntegers: true, telemetryDisabled: true })
  const transaction = held.session({ database }).beginTransaction()
  t.teardown(() => held.close())
  return {
    async run(statement, parameters = {}) {
      const { records } = await transaction.run(statement, integers(parameters))
      return records.map((record) => record.toObject())
    },
    commit: () => transaction.commit(),
  }
}

// JavaScript's numbers would go out as floats.
function integers(parameters: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      Number.isSafeInteger(value) ? driver.int(value as number) : value,
    ]),
  )
}

import type { Logger } from 'pino'
import type { Config } from '../private/config.ts'
import { prepared } from '../src/graph/prepared.ts'
import { createStore } from '../src/graph/store.ts'
import { newId } from '../src/id.ts'
import type { Look } from '../src/service/follower.ts'
import {
  createRelayedRemembering,
  createRemembering,
  type Remembering,
} from '../src/service/remembering.ts'
import type { Store } from '../src/store.ts'
import { openGraph } from './assemble.ts'

/** A graph that is opened, its store, and the memory that follows its feed. */
export interface Followed extends Remembering {
  description: string
}

/** Opens the graph and follows its feed; `onLook` is told of each look. */
export async function followGraph(
  config: Config,
  log: Logger,
  onLook?: (look: Look) => void,
): Promise<Followed> {
  const { store, description } = await openStore(config, log)
  const limits = {
    ...limitsOf(config),
    onFailure: (error: unknown) => log.debug({ reason: reasonOf(error) }, 'the feed was not read'),
    ...(onLook && { onLook }),
  }
  return { ...createRemembering(store, limits), description }
}

/** Opens the graph where the first process of this machine follows its feed; `receive` is told of it. */
export async function followFirst(config: Config, log: Logger) {
  const { store, description, ready } = await openStore(config, log)
  return { ...createRelayedRemembering(store, limitsOf(config)), description, ready }
}

async function openStore(
  config: Config,
  log: Logger,
): Promise<{ store: Store; description: string; ready: Promise<void> }> {
  const graph = await openGraph(config, {
    onAway: (reason) => log.warn({ reason }, 'the graph cannot be used'),
    onBack: (awayMs) => log.info({ awayMs: Math.round(awayMs) }, 'the graph can be used'),
  })
  const { engine, ready } = prepared(graph, {
    newId,
    retryMs: 500,
    onWait: (error) =>
      log.warn({ reason: reasonOf(error) }, `waiting for the ${graph.description}`),
  })
  if (config.neo4jUri === '') await ready
  else ready.catch((error: Error) => fail(log, error))
  return { store: createStore(engine), description: graph.description, ready }
}

function limitsOf(config: Config) {
  return {
    pollMs: config.blacklistPollMs,
    maxStalenessMs: config.blacklistMaxStalenessMs,
    mostEntries: config.blacklistMaxEntries,
    mostChecked: config.checkedTokensMax,
    mostKnown: config.knownTokensMax,
    monotonic,
  }
}

// The system's own clock, which goes on while a process is stopped and is one for all of a machine.
function monotonic(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** What went wrong, in words, without what is nobody's business. */
export function reasonOf(error: unknown): string {
  const { cause, message, detail } = error as Error & { detail?: string }
  return cause instanceof Error ? cause.message : (detail ?? message)
}

function fail(log: Logger, error: Error): void {
  log.fatal({ err: error }, error.message)
  process.exit(1)
}

import anyTest, { type ExecutionContext } from 'ava'
import type { Engine } from '../../src/graph/engine.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'
import type { Store } from '../../src/store.ts'
import { engines, type TestEngine } from './engines.ts'
import { prepareSchema } from './world.ts'

/** Declares one test. */
export type Declare = (title: string, body: (t: ExecutionContext) => Promise<void> | void) => void

export interface Opened {
  engine: Engine
  store: Store
}

/** Gives what was opened. */
export interface Open {
  (): Opened
  /** Ends what works on the graph before it is closed. */
  beforeClose(end: () => Promise<unknown>): void
}

/**
 * Registers a suite once for each engine, over a graph that is prepared before and closed after. Where a
 * file registers a suite twice, `variant` tells them apart. `declare` may be ava's `test.serial`,
 * `on` fewer engines than all.
 */
export function registerOnEngines(
  suite: (test: Declare, opened: Open) => void,
  variant?: string,
  declare: Declare = anyTest,
  on: TestEngine[] = engines,
): void {
  for (const engine of on) {
    const name = variant ? `${engine.name}, ${variant}` : engine.name
    let opened: Opened | undefined
    const ends: (() => Promise<unknown>)[] = []
    anyTest.before(`${name} opens`, async () => {
      const graph = await engine.open()
      await prepareSchema(graph, newId)
      opened = { engine: graph, store: createStore(graph) }
    })
    anyTest.after.always(`${name} closes`, async () => {
      for (const end of ends) await end()
      await opened?.engine.close()
    })
    const beforeClose = (end: () => Promise<unknown>) => ends.push(end)
    suite(
      named(name, declare),
      Object.assign(() => opened as Opened, { beforeClose }),
    )
  }
}

// ava wants every title once, so each says which engine it ran on.
function named(name: string, declare: Declare): Declare {
  return (title, body) => declare(`${name}: ${title}`, body)
}

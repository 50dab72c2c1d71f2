import anyTest, { type ExecutionContext } from 'ava'
import type { Engine } from '../../src/graph/engine.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'
import type { Store } from '../../src/store.ts'
import { engines } from './engines.ts'
import { prepareSchema } from './world.ts'

/** Declares one test. */
export type Declare = (title: string, body: (t: ExecutionContext) => Promise<void> | void) => void

export interface Opened {
  engine: Engine
  store: Store
}

/** Registers a suite once for each engine, over a graph that is prepared before and closed after. */
export function registerOnEngines(suite: (test: Declare, opened: () => Opened) => void): void {
  for (const { name, open } of engines) {
    let opened: Opened | undefined
    anyTest.before(`${name} opens`, async () => {
      const engine = await open()
      await prepareSchema(engine, newId)
      opened = { engine, store: createStore(engine) }
    })
    anyTest.after.always(`${name} closes`, () => opened?.engine.close())
    suite(named(name), () => opened as Opened)
  }
}

// ava wants every title once, so each says which engine it ran on.
function named(name: string): Declare {
  return (title, body) => anyTest(`${name}: ${title}`, body)
}

import { setTimeout as delay } from 'node:timers/promises'
import { keysOf } from '../support/keys.ts'
import { registerOnEngines } from '../support/suites.ts'
import { createTestService } from '../support/world.ts'
import { keysContract } from './keys.suite.ts'

for (const fromMemory of [false, true]) {
  registerOnEngines(
    (test, opened) => {
      const services: { close(): Promise<void> }[] = []
      opened.beforeClose(() => Promise.all(services.map(({ close }) => close())))
      keysContract(test, async (ring) => {
        const service = createTestService(opened().engine, { ring, fromMemory })
        services.push(service)
        const { auth, remembering } = service
        // So that what is told from memory is told from memory.
        while (remembering && !remembering.follower.isTrusted()) await delay(5)
        return {
          auth,
          replace(keys) {
            const { gone } = ring.replace(keysOf(...keys))
            if (gone.length > 0) remembering?.paths.dropChecked()
          },
        }
      })
    },
    fromMemory ? 'from memory' : 'from the graph',
  )
}

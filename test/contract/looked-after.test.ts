import { createDirectory } from '../../src/service/directory.ts'
import { registerOnEngines } from '../support/suites.ts'
import { createTestService } from '../support/world.ts'
import { lookedAfterContract } from './looked-after.suite.ts'

for (const fromMemory of [false, true]) {
  registerOnEngines(
    (test, opened) => {
      const services: { close(): Promise<void> }[] = []
      opened.beforeClose(() => Promise.all(services.map(({ close }) => close())))
      lookedAfterContract(test, (rules = {}) => {
        const service = createTestService(opened().engine, { rules, fromMemory })
        services.push(service)
        return { auth: service.auth, directory: createDirectory(service.tools) }
      })
    },
    fromMemory ? 'from memory' : 'from the graph',
  )
}

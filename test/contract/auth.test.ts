import { registerOnEngines } from '../support/suites.ts'
import { createTestService } from '../support/world.ts'
import { authContract } from './auth.suite.ts'

for (const fromMemory of [false, true]) {
  registerOnEngines(
    (test, opened) => {
      const services: { close(): Promise<void> }[] = []
      opened.beforeClose(() => Promise.all(services.map(({ close }) => close())))
      authContract(test, (rules = {}) => {
        const service = createTestService(opened().engine, { rules, fromMemory })
        services.push(service)
        return service.auth
      })
    },
    fromMemory ? 'from memory' : 'from the graph',
  )
}

import { registerOnEngines } from '../support/suites.ts'
import { createTestService } from '../support/world.ts'
import { authContract } from './auth.suite.ts'

registerOnEngines((test, opened) => {
  authContract(test, (rules = {}) => createTestService(opened().engine, { rules }).auth)
})

import { registerOnEngines } from '../support/suites.ts'
import { callersContract } from './callers.suite.ts'

registerOnEngines(callersContract)

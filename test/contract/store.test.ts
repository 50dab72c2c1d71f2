import { registerOnEngines } from '../support/suites.ts'
import { storeContract } from './store.suite.ts'

registerOnEngines(storeContract)

import { registerOnEngines } from '../support/suites.ts'
import { pruneContract } from './prune.suite.ts'

registerOnEngines(pruneContract)

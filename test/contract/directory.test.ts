import { registerOnEngines } from '../support/suites.ts'
import { directoryContract } from './directory.suite.ts'

registerOnEngines(directoryContract)

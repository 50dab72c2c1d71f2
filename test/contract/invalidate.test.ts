import { engines } from '../support/engines.ts'
import { registerOnEngines } from '../support/suites.ts'
import { everyoneContract, invalidateContract } from './invalidate.suite.ts'

registerOnEngines(invalidateContract)

// On the Neo4j that all tests share it would end their sessions: test/graph/second-neo4j.test.ts has it.
const ofItsOwn = engines.filter(({ name }) => name === 'embedded')
registerOnEngines(everyoneContract, "everyone's", undefined, ofItsOwn)

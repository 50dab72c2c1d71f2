import { setTimeout as delay } from 'node:timers/promises'
import anyTest from 'ava'
import { AuthError } from '../../src/error.ts'
import { prepared } from '../../src/graph/prepared.ts'
import { prepareSchema } from '../../src/graph/schema.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'
import { engines, neo4j, type TestEngine } from '../support/engines.ts'
import { openAt, openBehindProxy } from '../support/neo4j-engines.ts'

const onNeo4j = neo4j ? anyTest : anyTest.skip

const [embedded] = engines as [TestEngine]
anyTest('a schema newer than the program is refused with a clear line', async (t) => {
  const graph = await embedded.open()
  t.teardown(() => graph.close())
  await prepareSchema(graph, newId)
  await graph.write(`MATCH (schema:Schema {name: 'sessiongraph'}) SET schema.version = 99`)
  const { engine, ready } = prepared(graph, { newId, retryMs: 10, onWait: () => t.fail() })
  await t.throwsAsync(ready, {
    instanceOf: Error,
    message: 'the graph has schema version 99, this program knows 1: run a newer one',
  })
  await t.throwsAsync(engine.read('RETURN 1'), { instanceOf: AuthError })
})

onNeo4j(
  'a database that is absent at the start is waited for, and says why meanwhile',
  async (t) => {
    const { engine: graph, proxy } = await openBehindProxy(t, { deadlineMs: 1_000 })
    await proxy.refuse()
    const reasons: string[] = []
    const { engine, ready } = prepared(graph, {
      newId,
      retryMs: 100,
      onWait: (error) => reasons.push(String(error.cause)),
    })
    const store = createStore(engine)
    await delay(1_500)
    const error = await t.throwsAsync(store.check(), { instanceOf: AuthError })
    t.regex(String(error.cause), /nothing listens at/)
    t.is(reasons.length, 1, 'the log is told once')
    await proxy.heal()
    const begun = performance.now()
    await ready
    t.true(performance.now() - begun < 5_000)
    await t.notThrowsAsync(store.check())
  },
)

onNeo4j('ten replicas that prepare the schema at once all succeed', async (t) => {
  const port = Number(new URL(neo4j?.uri ?? '').port || 7687)
  const replicas = Array.from({ length: 10 }, () => openAt(t, port))
  await t.notThrowsAsync(Promise.all(replicas.map((engine) => prepareSchema(engine, newId))))
})

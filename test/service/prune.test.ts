import test from 'ava'
import { newId } from '../../src/id.ts'
import { MARGIN_MS, prune } from '../../src/service/prune.ts'
import { engines } from '../support/engines.ts'
import { createTestService, newUsername, PASSWORD, prepareSchema } from '../support/world.ts'

const [embedded] = engines

test('a session that has ended is kept for the retention, and counted by a dry run', async (t) => {
  const engine = await (embedded as (typeof engines)[0]).open()
  t.teardown(engine.close)
  await prepareSchema(engine, newId)
  const { auth, tools } = createTestService(engine, { rules: { retentionSeconds: 3_600 } })
  const credentials = { username: newUsername(), password: PASSWORD }
  await auth.register(credentials)
  await auth.login(credentials)
  const age = (ms: number) =>
    engine.write(
      `MATCH (session:Session) SET session.endedAt = session.endedAt - $ms
       WITH session MATCH (session)-[:ISSUED]->(token:Token) SET token.expiresAt = token.expiresAt - $ms`,
      { ms },
    )
  t.like(await prune(tools), { tokens: 0, sessions: 0, entries: 0, complete: true })
  await age(900_000 + 2 * MARGIN_MS)
  t.like(await prune(tools, { dryRun: true }), { tokens: 1, sessions: 0 })
  t.like(await prune(tools), { tokens: 1, sessions: 0 })
  t.like(await prune(tools), { tokens: 0, sessions: 0 })
  await engine.write('MATCH (session:Session) SET session.endedAt = session.endedAt - 3600000')
  t.like(await prune(tools, { dryRun: true }), { sessions: 1 })
  t.like(await prune(tools), { sessions: 1 })
})

test('a run of many batches says how far it is and leaves nothing', async (t) => {
  const engine = await (embedded as (typeof engines)[0]).open()
  t.teardown(engine.close)
  await prepareSchema(engine, newId)
  await engine.write(
    `UNWIND range(1, 1200) AS i
     CREATE (:Session {id: 's' + toString(i)})-[:ISSUED]->(:Token {id: 't' + toString(i), expiresAt: 0})`,
  )
  const { tools } = createTestService(engine)
  const seen: number[] = []
  const pruned = await prune(tools, { onProgress: ({ tokens }) => seen.push(tokens) })
  t.like(pruned, { tokens: 1200, sessions: 1200, complete: true })
  t.deepEqual(seen.slice(0, 3), [500, 1000, 1200])
})

import test from 'ava'
import { createWarmUp } from '../../src/graph/warm-up.ts'

test('what is planned has the types of what was asked, and none of its values', async (t) => {
  const warmUp = createWarmUp()
  const rows = [{ hash: 'a secret', path: ['id'], until: 5, expected: null, fresh: true }]
  warmUp.note('RETURN $rows', { rows })
  warmUp.note('RETURN $rows', { rows: [] })
  const planned: unknown[] = []
  const explain = async (...one: unknown[]) => planned.push(one)
  await warmUp.plan(explain, performance.now() + 1_000)
  const blank = [{ hash: '', path: [''], until: 0, expected: null, fresh: true }]
  t.deepEqual(planned, [['EXPLAIN RETURN $rows', { rows: blank }]])
})

test('nothing is planned past its time', async (t) => {
  const warmUp = createWarmUp()
  warmUp.note('RETURN 1', {})
  await warmUp.plan(async () => t.fail(), performance.now() - 1)
  t.pass()
})

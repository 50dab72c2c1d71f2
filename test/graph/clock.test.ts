import test from 'ava'
import { createGraphClock } from '../../src/graph/clock.ts'

const SAID = 1_800_000_000_000

test('nothing is over before the graph has said what time it is, whatever this machine says', (t) => {
  const clock = createGraphClock()
  t.is(clock.now(), 0)
  clock.observe(SAID)
  t.true(clock.now() >= SAID && clock.now() < SAID + 1_000)
})

test('it goes on by itself, and never backwards', (t) => {
  const clock = createGraphClock()
  clock.observe(SAID)
  clock.observe(SAID - 7_200_000)
  t.true(clock.now() >= SAID)
  clock.reach(SAID + 5_000)
  t.is(clock.now(), SAID + 5_000)
})

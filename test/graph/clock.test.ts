import test from 'ava'
import { createForwardClock, createGraphClock } from '../../src/graph/clock.ts'

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

test('a graph without a clock follows its machine forward, and never backward', (t) => {
  const machine = { wall: SAID, monotonic: 0 }
  const now = createForwardClock(
    0,
    () => machine.wall,
    () => machine.monotonic,
  )
  t.is(now(), SAID)
  machine.wall += 7_200_000
  t.is(now(), SAID + 7_200_000)
  machine.wall = SAID
  machine.monotonic += 1_500
  t.is(now(), SAID + 7_201_500, 'it goes on at its own pace')
  machine.wall = SAID + 9_000_000
  t.is(now(), SAID + 9_000_000)
})

test('opened again on a machine whose clock was set back, it goes on from what it had told', (t) => {
  const now = createForwardClock(
    SAID,
    () => SAID - 7_200_000,
    () => 0,
  )
  t.is(now(), SAID)
})

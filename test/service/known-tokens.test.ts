import test from 'ava'
import fc from 'fast-check'
import { newId } from '../../src/id.ts'
import { createKnownTokens } from '../../src/service/known-tokens.ts'

function ids(count: number): [string, ...string[]] {
  return Array.from({ length: count }, newId) as [string, ...string[]]
}

test('an id is known from its turn on', (t) => {
  const known = createKnownTokens(10)
  const [id, other] = ids(2)
  t.is(known.turn(id), 0)
  t.false(known.isHeld(known.turn(id)))
  const turn = known.add(id)
  t.is(known.turn(id), turn)
  t.true(known.isHeld(turn))
  t.is(known.turn(other as string), 0)
  t.is(known.size, 1)
  known.remove(id)
  known.remove(id)
  t.is(known.turn(id), 0)
  t.is(known.size, 0)
})

test('past their bound the oldest go, and their turn is over', (t) => {
  const known = createKnownTokens(3)
  const all = ids(1_000)
  const turns = all.map((id) => {
    const turn = known.add(id)
    t.true(known.size <= 3)
    return turn
  })
  const last = all.map((id) => known.turn(id)).slice(-4)
  t.deepEqual(last, [0, ...turns.slice(-3)])
  t.deepEqual(turns.slice(-4).map(known.isHeld), [false, true, true, true])
})

test('the same id twice takes one place and keeps its turn', (t) => {
  const known = createKnownTokens(2)
  const [a, b] = ids(2) as [string, string]
  const turn = known.add(a)
  known.add(b)
  for (let i = 0; i < 5; i += 1) known.add(b)
  t.is(known.add(a), turn)
  t.is(known.size, 2)
})

test('ids that differ in one bit are told apart', (t) => {
  const known = createKnownTokens(200)
  const bytes = Buffer.from(newId(), 'base64url')
  known.add(bytes.toString('base64url'))
  for (let bit = 0; bit < 128; bit += 1) {
    const other = Buffer.from(bytes)
    other.writeUInt8(other.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    t.is(known.turn(other.toString('base64url')), 0, `bit ${bit}`)
  }
})

test('a bound of none keeps none', (t) => {
  const known = createKnownTokens(0)
  const [id] = ids(1)
  t.false(known.isHeld(known.add(id)))
  t.is(known.turn(id), 0)
  t.is(known.size, 0)
})

test('cleared ones are forgotten, their turns are over, and it goes on', (t) => {
  const known = createKnownTokens(2)
  const [a, b] = ids(2) as [string, string]
  const turns = [known.add(a), known.add(b)]
  const { generation } = known
  known.clear()
  t.not(known.generation, generation)
  t.is(known.size, 0)
  t.deepEqual([known.turn(a), known.turn(b)], [0, 0])
  t.deepEqual(turns.map(known.isHeld), [false, false])
  t.true(known.isHeld(known.add(a)))
  t.is(known.size, 1)
})

test('whatever is done with it, it holds the ids of the last turns', (t) => {
  const some = ids(12)
  const step = fc.record({
    what: fc.constantFrom('add', 'add', 'add', 'remove', 'clear'),
    id: fc.constantFrom(...some),
  })
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 9 }),
      fc.array(step, { maxLength: 80 }),
      (most, steps) => {
        const known = createKnownTokens(most)
        const expected = new Map<string, number>()
        let turns = 0
        for (const { what, id } of steps) {
          if (what === 'clear') {
            known.clear()
            expected.clear()
          } else if (what === 'remove') {
            known.remove(id)
            expected.delete(id)
          } else {
            known.add(id)
            if (!expected.has(id) && most > 0) {
              turns += 1
              expected.set(id, turns)
              for (const [one, turn] of expected) if (turn <= turns - most) expected.delete(one)
            }
          }
          t.is(known.size, expected.size)
          for (const one of some) t.is(known.turn(one), expected.get(one) ?? 0)
          for (const turn of expected.values()) t.true(known.isHeld(turn))
        }
      },
    ),
  )
})

test('a million take less than 32 bytes each', (t) => {
  const before = process.memoryUsage().arrayBuffers
  const known = createKnownTokens(1_000_000)
  const bytes = process.memoryUsage().arrayBuffers - before
  t.true(bytes < 32_000_000, `${bytes} bytes`)
  t.is(known.size, 0)
})

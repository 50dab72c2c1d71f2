import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { createAgenda } from '../../survive/load/agenda.ts'
import { createRandom } from '../../survive/random.ts'
import { secretFor, secretsBelow, secretsIn, secretsInFile } from '../../survive/secrets.ts'
import { temporaryFolder } from '../support/service-process.ts'

const TOKEN = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.${'x'.repeat(43)}`

test('a password, a token and a key are found in a text, and an id is not', (t) => {
  t.is(secretsIn(`{"jti":"MwvP186Nyb9ufwqD0_8jPg","user":"ann"}`), 0)
  t.is(secretsIn(`password=${secretFor('ann', 1)} and Bearer ${TOKEN}`), 2)
})

test('a secret that lies across the pieces of a long file is found once', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'long.log')
  for (const before of [65_530, 65_536, 131_060]) {
    await writeFile(file, `${'-'.repeat(before)}${TOKEN} ${'-'.repeat(70_000)}`)
    t.is((await secretsInFile(file)).found, 1, String(before))
  }
  t.is((await secretsBelow(folder)).found, 1)
})

test('numbers follow from the seed alone', (t) => {
  const draw = (seed: string) => {
    const random = createRandom(seed)
    return Array.from({ length: 50 }, () => random.between(0, 1_000))
  }
  t.deepEqual(draw('7'), draw('7'))
  t.notDeepEqual(draw('7'), draw('8'))
  t.not(createRandom('7').fork('a').next(), createRandom('7').fork('b').next())
  const random = createRandom('weights')
  const drawn = Array.from({ length: 2_000 }, () =>
    random.weighted({ often: 9, seldom: 1, never: 0 }),
  )
  const seldom = drawn.filter((name) => name === 'seldom').length
  t.true(seldom > 100 && seldom < 320 && !drawn.includes('never'))
})

test('what is due first is taken first, and nothing before it is due', (t) => {
  const agenda = createAgenda<number>()
  const random = createRandom('agenda')
  for (let i = 0; i < 500; i += 1) {
    const due = random.between(0, 1_000)
    agenda.add(due, due)
  }
  const taken: number[] = []
  for (let next = agenda.take(500); next !== undefined; next = agenda.take(500)) taken.push(next)
  t.deepEqual(
    taken,
    taken.toSorted((a, b) => a - b),
  )
  t.true(taken.length > 150 && taken.every((due) => due <= 500))
  t.is(agenda.size, 500 - taken.length)
})

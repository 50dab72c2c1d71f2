import { existsSync, readFileSync } from 'node:fs'
import test from 'ava'
import { type Setting, settings } from '../private/config.ts'

const page = read('docs/security.md')

/** Every requirement that the project took on, a row each. */
const requirements = [
  ...['7.1.1', '7.1.2', '7.2.1', '7.2.2', '7.2.3 / 11.5.1', '7.2.4', '7.3.1, 7.3.2, 10.4.8'],
  ...['7.4.1', '7.4.2', '7.4.3', '7.4.5, 7.5.2', '7.5.1, 6.2.3', '9.1.1, 6.8.2', '9.1.2', '9.1.3'],
  ...['9.2.1', '9.2.2', '9.2.3/4, 10.3.1', '10.3.3', '10.4.5', '10.4.9/10', '6.1.1, 6.3.1'],
  ...['6.2.1', '6.2.4, 6.2.11, 6.2.12', '6.2.5', '6.2.8 + 6.2.9', '6.2.10', '6.3.2, 13.2.3'],
  ...['6.3.3', '6.3.8 +', '11.2.3', 'App. C', '11.2.2, 13.1.4, 13.3.4', '11.2.4 +', '11.4.2'],
  ...['13.1.2/3, 13.2.6, 15.1.3, 15.2.2', '13.2.1/2', '13.2.4/5, 1.3.6', '13.3.1/2'],
  ...['13.4.2/4/5/6', '16.1.1, 16.2.1-5', '16.3.1-4', '16.4.1', '16.5.1-4', '4.1.1', '4.1.2'],
  ...['4.1.3, 15.3.4', '4.1.4', '4.2.1', '14.2.1', '14.3.2', '15.3.3, 15.3.5, 15.3.6, 15.3.7'],
  ...['15.4.2 +', '1.2.4', '1.5.3 +', '2.3.3, 2.4.1', '12.3.1/3', '15.1.2', 'RFC 8725'],
  ...['RFC 7515 §4.1.11', 'RFC 6750', 'RFC 9700, FAPI 2.0', 'RFC 7662 §4, 7009'],
  ...Array.from({ length: 12 }, (_, i) => `I${i + 1}`),
]

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
}

/** The test files that the page names, each with the pieces of titles that it quotes after it. */
function quoted(): { file: string; pieces: string[] }[] {
  const named = page.matchAll(/`(test\/[^`]+\.ts)`((?:,? "[^"|]+")*)/g)
  return [...named].map(([, file = '', pieces = '']) => ({
    file,
    pieces: [...pieces.matchAll(/"([^"]+)"/g)].map(([, piece = '']) => piece),
  }))
}

/** Lines with a text in quotes, where titles stand. */
function holdsTitle(text: string, piece: string): boolean {
  return text.split('\n').some((line) => /['"`]/.test(line) && line.includes(piece))
}

test('each requirement and each invariant has one row', (t) => {
  for (const id of requirements) {
    t.is(page.split('\n').filter((line) => line.startsWith(`| ${id} |`)).length, 1, id)
  }
})

test('each test that the page names is there, with the title that it quotes', (t) => {
  const all = quoted()
  t.true(all.filter(({ pieces }) => pieces.length > 0).length > 100)
  for (const { file, pieces } of all) {
    const text = read(file)
    for (const piece of pieces) t.true(holdsTitle(text, piece), `${file}: ${piece}`)
  }
})

test('each file that the page names is there', (t) => {
  const named = page.matchAll(/`((?:src|bin|private)(?:\/[\w.-]+)+)`/g)
  for (const [, file] of named) t.true(existsSync(new URL(`../${file}`, import.meta.url)), file)
})

test('each default on the page is that of the setting', (t) => {
  const all = new Map(Object.values<Setting>(settings).map((one) => [one.variable, one.default]))
  const given = [...page.matchAll(/`([A-Z][A-Z_]+)` \(([\d,]+|[*/\d ]+)\)/g)]
  t.true(given.length > 15)
  for (const [, variable = '', value = ''] of given) {
    t.is(all.get(variable), value.replaceAll(',', ''), variable)
  }
})

import { createHash } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { newId } from '../src/id.ts'
import { ownSession, refreshAfter, type Token } from '../src/token.ts'

const issuedAt = 1_700_000_000_000
const expiresAt = issuedAt + 1_000_000

/** How much of its life a token has behind it when it is to be refreshed. */
function shareOf(id: string): number {
  return (refreshAfter({ id, issuedAt, expiresAt }) - issuedAt) / (expiresAt - issuedAt)
}

function manyIds(): string[] {
  return Array.from({ length: 10_000 }, (_, i) =>
    createHash('md5').update(String(i)).digest('base64url'),
  )
}

test('a token is to be refreshed at 75 to 90 % of its life', (t) => {
  for (const id of manyIds()) {
    const share = shareOf(id)
    if (share < 0.75 || share > 0.9) t.fail(`${id}: ${share}`)
  }
  t.pass()
})

test('tokens of one instant spread over the whole of 75 to 90 %', (t) => {
  const twentieths = Array.from({ length: 20 }, () => 0)
  for (const id of manyIds()) {
    const place = Math.floor(((shareOf(id) - 0.75) / 0.15) * 20)
    twentieths[place] = (twentieths[place] ?? 0) + 1
  }
  t.is(twentieths.length, 20)
  // 500 on average; a fair spread is within 100 of it all but never.
  t.true(Math.min(...twentieths) > 400, twentieths.join(' '))
  t.true(Math.max(...twentieths) < 600, twentieths.join(' '))
})

test('the instant is whole ms, within the share, for any id, date and life', (t) => {
  const lives = fc.record({
    id: fc.string(),
    issued: fc.integer({ min: 0, max: 4_000_000_000 }),
    seconds: fc.integer({ min: 1, max: 31_536_000 }),
  })
  t.notThrows(() =>
    fc.assert(
      fc.property(lives, ({ id, issued, seconds }) => {
        const times = { issuedAt: issued * 1000, expiresAt: (issued + seconds) * 1000 }
        const instant = refreshAfter({ id, ...times })
        const age = instant - times.issuedAt
        return Number.isInteger(instant) && age >= seconds * 750 && age <= seconds * 900
      }),
    ),
  )
})

test('the same token gives the same instant, and only its id and dates count', (t) => {
  const id = newId()
  const first = refreshAfter({ id, issuedAt, expiresAt })
  const token: Token = {
    id,
    kid: 'a key',
    issuedAt,
    expiresAt,
    authTime: issuedAt,
    user: { id: newId(), username: 'ada', generation: 1 },
    tenant: { id: newId(), generation: 1 },
    sessions: [newId()],
  }
  t.is(refreshAfter({ id, issuedAt, expiresAt }), first)
  t.is(refreshAfter(token), first)
  t.is(refreshAfter({ id, issuedAt: issuedAt + 5000, expiresAt: expiresAt + 5000 }), first + 5000)
})

test('the session that issued a token is the last of its path', (t) => {
  const token = { sessions: ['root', 'delegated', 'own'] } as unknown as Token
  t.is(ownSession(token), 'own')
  t.is(ownSession({ ...token, sessions: ['root'] }), 'root')
})

import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import type { Engine } from '../src/graph/engine.ts'
import { newId } from '../src/id.ts'
import { createKeyRing } from '../src/keys.ts'
import { createPasswordHasher } from '../src/password.ts'
import { createQueue } from '../src/queue.ts'
import { createTokenText } from '../src/token-text.ts'
import { writeLines } from './load/lines.ts'

/** Signs the tokens of a run; every process that is measured has it. */
export const SECRET = 'known to every process of this benchmark'
export const COST = 4
const PASSWORD = 'correct horse battery'

const BATCH = 5_000
const LANES = 2
const DAY_MS = 86_400_000

interface Minting {
  sessions: number
  users: number
  /** Where the texts of the tokens go, one a line. */
  tokens: string
  /** Where the log-ins of the users go, one JSON body a line. */
  logins?: string
  /** How long ago (ms) the tokens expired; left out, they live for a day. */
  expiredFor?: number
}

const ring = createKeyRing(SECRET)
export const tokenText = createTokenText({
  ring,
  issuer: 'sessiongraph',
  audience: 'sessiongraph',
})

/** Writes users, each with as many sessions as any, and a token a session, straight into a graph. */
export async function mint(engine: Engine, minting: Minting): Promise<void> {
  const [tenant] = await engine.read(
    `MATCH (tenant:Tenant {name: 'default'}) RETURN tenant.id AS id, tenant.generation AS generation`,
  )
  if (!tenant) throw new Error('the graph has no schema')
  const path = { id: tenant.id as string, generation: tenant.generation as number }
  const names = newId().toLowerCase()
  const users = Array.from({ length: minting.users }, (_, i) => {
    const username = `${names}.${i}`
    return { id: newId(), username, key: `default/${username}` }
  })
  await mintUsers(engine, users)
  if (minting.logins) {
    const bodies = users.map(({ username }) => JSON.stringify({ username, password: PASSWORD }))
    await writeLines(minting.logins, bodies)
  }

  const seconds = Math.floor((Date.now() - (minting.expiredFor ?? -DAY_MS)) / 1000)
  const [issuedAt, expiresAt] = [(seconds - 86_400) * 1000, seconds * 1000]
  const texts = createWriteStream(minting.tokens)
  let next = 0
  // The sessions of a user lie together, so that lanes seldom wait for the same user.
  async function lane(): Promise<void> {
    while (next < minting.sessions) {
      const from = next
      next = Math.min(minting.sessions, from + BATCH)
      const rows = Array.from({ length: next - from }, (_, i) => {
        const at = Math.floor(((from + i) * users.length) / minting.sessions)
        return { user: users[at] as (typeof users)[0], session: newId(), token: newId() }
      })
      const written = mintSessions(engine, rows, issuedAt, expiresAt)
      for (const { user, session, token } of rows) {
        const claims = {
          id: token,
          kid: ring.current.kid,
          issuedAt,
          expiresAt,
          authTime: issuedAt,
          user: { ...user, generation: 0 },
          tenant: path,
        }
        texts.write(`${tokenText.write({ ...claims, sessions: [session] })}\n`)
      }
      await written
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  texts.end()
  await finished(texts)
}

async function mintUsers(engine: Engine, users: Record<string, string>[]): Promise<void> {
  const hasher = createPasswordHasher({ cost: COST, pepper: '', queue: createQueue(1, 1_000) })
  const passwordHash = await hasher.hash(PASSWORD)
  for (let from = 0; from < users.length; from += BATCH) {
    await engine.write(
      `MATCH (tenant:Tenant {name: 'default'})
       UNWIND $rows AS row
       CREATE (:User {id: row.id, key: row.key, username: row.username,
         passwordHash: $passwordHash, status: 'active', generation: 0, createdAt: timestamp()}
         )-[:MEMBER_OF]->(tenant)`,
      { rows: users.slice(from, from + BATCH), passwordHash },
    )
  }
}

async function mintSessions(
  engine: Engine,
  rows: { user: { id: string }; session: string; token: string }[],
  issuedAt: number,
  expiresAt: number,
): Promise<void> {
  await engine.write(
    `UNWIND $rows AS row
     MATCH (user:User {id: row.user})
     CREATE (user)-[:OPENED]->(session:Session {id: row.session, createdAt: $issuedAt,
       expiresAt: $expiresAt, generation: 0, tenantGeneration: 0})
     CREATE (session)-[:ISSUED]->(:Token {id: row.token, kid: $kid, issuedAt: $issuedAt,
       expiresAt: $expiresAt})`,
    {
      rows: rows.map(({ user, session, token }) => ({ user: user.id, session, token })),
      kid: ring.current.kid,
      issuedAt,
      expiresAt,
    },
  )
}

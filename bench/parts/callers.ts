import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { createApiKeys, deriveApiKeySecret } from '../../src/api-key.ts'
import { openEmbedded } from '../../src/graph/embedded.ts'
import { prepareSchema } from '../../src/graph/schema.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'
import type { Bench, Server } from '../bench.ts'
import { mint, SECRET } from '../mint.ts'
import { atLeast, type Findings } from '../part.ts'
import { loadInTurn } from '../rounds.ts'
import { ratioOf, type Spread } from '../spread.ts'
import { seeAll } from './verify.ts'

const WITH = 'callers say who they are'
const WITHOUT = 'callers need not'

/** GET /auth with a key in each request that is checked, against the same service without. */
export async function callers(bench: Bench): Promise<Findings> {
  const { warmTokens } = bench.plan
  const tokens = join(bench.folder, 'callers-tokens')
  const [one, other] = [join(bench.folder, 'callers'), join(bench.folder, 'no-callers')]
  const key = await mintWithCaller(one, warmTokens, tokens)
  await cp(one, other, { recursive: true })
  const asking = { ...(await bench.service({ DATA_DIR: one, CALLER_AUTH: 'on' })), key }
  const open = await bench.service({ DATA_DIR: other, CALLER_AUTH: 'off' })
  const servers: [string, Server][] = [
    [WITH, asking],
    [WITHOUT, open],
  ]
  for (const [, server] of servers) await seeAll(bench, server, tokens, warmTokens)
  const { rates, notes } = await loadInTurn(bench, 'callers', servers, tokens)
  const [ours, spread] = [rates.get(WITH) as Spread, rates.get(WITHOUT) as Spread]
  const ratio = ratioOf(ours, spread)
  const figure = { name: 'verify, warm, with a key checked', unit: 'a second', ours, ratio }
  const bars = [...rates].map(([name, of]) => ({ name, spread: of, own: true }))
  return {
    figures: [{ ...figure, against: { name: WITHOUT, spread }, target: atLeast(0.95, ratio) }],
    charts: [{ title: 'GET /auth, warm: requests a second', unit: 'a second', bars }],
    notes: [
      'The header of 90 bytes, its parsing and the check: without callers it is not sent.',
      ...notes,
    ],
  }
}

async function mintWithCaller(directory: string, sessions: number, tokens: string) {
  const engine = await openEmbedded(directory)
  try {
    await prepareSchema(engine, newId)
    await mint(engine, { sessions, users: sessions / 10, tokens })
    const { id, hash, text } = createApiKeys(deriveApiKeySecret(SECRET), newId).make()
    const caller = { id: newId(), name: 'bench', scopes: ['verify'] as const, tenant: null }
    await createStore(engine).callers.add({ ...caller, key: { id, hash } })
    return text
  } finally {
    await engine.close()
  }
}

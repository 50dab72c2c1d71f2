// A transaction a refresh: node:http over the service's own statement, with one row each time.
import { connectNeo4j } from '../../src/graph/neo4j.ts'
import { createStore } from '../../src/graph/store.ts'
import { newId } from '../../src/id.ts'
import { createKeyRing } from '../../src/keys.ts'
import { createTokenText } from '../../src/token-text.ts'
import { listen } from './listen.ts'

const { NEO4J_URI: uri = '', NEO4J_USERNAME, NEO4J_PASSWORD, JWT_SECRET = '' } = process.env
const account = { username: NEO4J_USERNAME ?? '', password: NEO4J_PASSWORD ?? '' }
const engine = connectNeo4j({ uri, ...account, database: 'neo4j', deadlineMs: 20_000 })
const ring = createKeyRing(JWT_SECRET)
const text = createTokenText({ ring, issuer: 'sessiongraph', audience: 'sessiongraph' })
const { kid } = ring.current
// A store puts together what waits in it: with a store for each that runs, nothing does.
const stores = Array.from({ length: 64 }, () => createStore(engine).tokens)

listen(async (request, response) => {
  let status = 401
  let body = '{"message":"Token is invalid"}'
  const tokens = stores.pop()
  try {
    if (!tokens) throw new Error('more than 64 at once')
    const token = text.read(request.headers.authorization?.slice('Bearer '.length) ?? '')
    const next = { id: newId(), kid, tokenSeconds: 900, graceSeconds: 30 }
    const { successor } = await tokens.refresh(token, next)
    if (successor) {
      status = 200
      body = JSON.stringify({ token: text.write(successor), expiresAt: successor.expiresAt })
    }
  } catch (error) {
    body = JSON.stringify({ message: (error as Error).message })
  }
  if (tokens) stores.push(tokens)
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
})

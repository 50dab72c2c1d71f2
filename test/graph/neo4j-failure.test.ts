import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import anyTest, { type ExecutionContext } from 'ava'
import { AuthError } from '../../src/error.ts'
import { connectNeo4j } from '../../src/graph/neo4j.ts'
import { kindOf } from '../../src/graph/neo4j-failure.ts'
import { neo4j } from '../support/engines.ts'
import { createProxy } from '../support/tcp-proxy.ts'

const test = anyTest
const onNeo4j = neo4j ? anyTest : anyTest.skip
const account = { username: '', password: '', database: 'neo4j', deadlineMs: 500 }

/** What /readyz and the log say about a server that cannot be used. */
async function reason(
  t: ExecutionContext,
  uri: string,
  settings: Partial<typeof account> = {},
): Promise<string> {
  const engine = connectNeo4j({ ...account, ...settings, uri })
  t.teardown(() => engine.close())
  const error = await t.throwsAsync(engine.read('RETURN 1'), { instanceOf: AuthError })
  t.is(error.code, 'service_unavailable')
  const { message } = error.cause as Error
  t.false(message.includes('secret'))
  return message
}

/** A peer that does so to each connection. */
async function peer(t: ExecutionContext, act: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    act(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

function answering(bytes: string | number[]): (socket: Socket) => void {
  return (socket) => socket.on('data', () => socket.write(Buffer.from(bytes as number[])))
}

test('nothing listens', async (t) => {
  const proxy = await createProxy('bolt://127.0.0.1:1')
  await proxy.refuse()
  t.is(
    await reason(t, `bolt://someone:secret@127.0.0.1:${proxy.port}`),
    `nothing listens at 127.0.0.1:${proxy.port}: start Neo4j, or set NEO4J_URI to where it listens`,
  )
})

test('the name is not found', async (t) => {
  t.is(
    await reason(t, 'neo4j://nowhere.invalid'),
    'the name in nowhere.invalid:7687 is not found: check NEO4J_URI and the name service',
  )
})

test('what listens says nothing', async (t) => {
  const port = await peer(t, () => undefined)
  t.is(
    await reason(t, `bolt://127.0.0.1:${port}`),
    `Neo4j at 127.0.0.1:${port} does not answer in time: see whether it hangs, and the network in between`,
  )
})

test('what listens hangs up', async (t) => {
  const port = await peer(t, (socket) => socket.destroy())
  t.regex(await reason(t, `bolt://127.0.0.1:${port}`), /closes connections: see whether it is/)
})

test('what listens speaks HTTP', async (t) => {
  const port = await peer(t, answering('HTTP/1.1 400 Bad Request\r\n\r\n'))
  t.is(
    await reason(t, `bolt://127.0.0.1:${port}`),
    `what listens at 127.0.0.1:${port} is not Bolt: set NEO4J_URI to Neo4j's Bolt port`,
  )
})

for (const [version, answer] of Object.entries({ none: 0, '3.0': 3, '4.4': 0x404 })) {
  test(`the server is too old: it picks Bolt ${version}`, async (t) => {
    const port = await peer(t, answering([0, 0, answer >> 8, answer & 255]))
    t.is(
      await reason(t, `bolt://127.0.0.1:${port}`),
      `Neo4j at 127.0.0.1:${port} is too old: upgrade it to Neo4j 5 or newer`,
    )
  })
}

onNeo4j('the database is not there', async (t) => {
  const { uri = '' } = neo4j ?? {}
  const { host } = new URL(uri)
  t.is(
    await reason(t, uri, { ...neo4j, database: 'elsewhere', deadlineMs: 2_500 }),
    `Neo4j at ${host} has no database elsewhere: create it, or set NEO4J_DATABASE`,
  )
})

test('an error tells whether a repeat may help', (t) => {
  const kinds = {
    lost: ['ServiceUnavailable', 'Neo.ClientError.Security.Unauthorized'],
    passing: [
      'Neo.ClientError.Cluster.NotALeader',
      'Neo.ClientError.General.ForbiddenOnReadOnlyDatabase',
      'Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists',
    ],
    denied: [
      'Neo.ClientError.Security.Forbidden',
      'Neo.ClientError.Database.DatabaseNotFound',
      'Neo.ClientError.Transaction.TransactionTimedOut',
      'Neo.DatabaseError.General.UnknownError',
    ],
    defect: ['Neo.ClientError.Statement.SyntaxError', 'N/A'],
  }
  for (const [kind, codes] of Object.entries(kinds)) {
    for (const code of codes)
      t.is(kindOf(Object.assign(new Error(), { code })) as string, kind, code)
  }
  const leaderless = { code: 'SessionExpired', retriable: true }
  t.is(kindOf(Object.assign(new Error(), leaderless)), 'passing')
  t.is(kindOf(new TypeError('not a function')), 'defect')
})

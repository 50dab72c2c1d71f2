import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { bearer, json } from '../support/http-client.ts'
import { open, readToEnd } from '../support/raw-socket.ts'
import { type Service, startService } from '../support/service-process.ts'

const ada = { username: 'ada', password: 'correct horse battery' }
const POST = 'POST /auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'

async function serve(t: ExecutionContext, env = {}): Promise<{ service: Service; token: string }> {
  const service = await startService(t, env)
  await service.request('POST', '/auth/user', json(ada))
  const { token } = (await service.request('POST', '/auth', json(ada))).json
  return { service, token: String(token) }
}

test.serial(
  'HTTP: 100 slow-header and 100 slow-body sockets are closed within 10 s, GET answers meanwhile',
  async (t) => {
    const { service, token } = await serve(t)
    const begun = performance.now()
    const beginnings = [
      'GET /auth HTTP/1.1\r\nHost: x\r\nX-Slow: ',
      `${POST}Content-Length: 1000\r\n\r\n{`,
    ]
    let isOver = false
    const slow = beginnings.flatMap((bytes) =>
      Array.from({ length: 100 }, async () => {
        const socket = await open(service.url)
        socket.write(bytes)
        const drip = setInterval(() => socket.writable && socket.write('a'), 500)
        const { status } = await readToEnd(socket, 20_000)
        clearInterval(drip)
        return { status, ms: performance.now() - begun }
      }),
    )
    const took: number[] = []
    const asking = (async () => {
      while (!isOver) {
        const one = performance.now()
        t.is((await service.request('GET', '/auth', bearer(token))).status, 200)
        took.push(performance.now() - one)
        await delay(20)
      }
    })()
    const ends = await Promise.all(slow)
    isOver = true
    await asking
    t.true(
      Math.max(...ends.map(({ ms }) => ms)) < 10_000,
      `${Math.max(...ends.map(({ ms }) => ms))} ms`,
    )
    t.deepEqual(new Set(ends.map(({ status }) => status)), new Set([408]))
    const p99 = took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? Number.NaN
    t.log(`GET p99 ${p99.toFixed(1)} ms of ${took.length}`)
    const median = took.toSorted((a, b) => a - b)[took.length >> 1] ?? Number.NaN
    // The p99 would be about what else the machine does at the time.
    t.true(median < 100, `${median} ms`)
  },
)

test.serial('HTTP: a connection that sends nothing is closed within 10 s', async (t) => {
  const { service } = await serve(t)
  const { ms } = await readToEnd(await open(service.url), 20_000)
  t.true(ms < 10_000, `${ms} ms`)
})

test.serial('HTTP: a client that does not read its answers is cut off', async (t) => {
  const { service, token } = await serve(t, { AUDIT_LOG: 'off' })
  const socket = await open(service.url)
  socket.pause()
  socket.on('error', () => undefined)
  const bytes = `GET /auth HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`.repeat(
    100,
  )
  let isClosed = false
  socket.once('close', () => {
    isClosed = true
  })
  const end = performance.now() + 30_000
  while (!isClosed && performance.now() < end) {
    if (socket.writableLength < 1_000_000) socket.write(bytes)
    await delay(socket.writableLength < 1_000_000 ? 0 : 50)
  }
  t.true(isClosed)
  t.is((await service.request('GET', '/auth', bearer(token))).status, 200)
})

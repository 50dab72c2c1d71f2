import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { type Answer, bearer, json, type Sent } from '../support/http-client.ts'
import { type Service, startService } from '../support/service-process.ts'

const ada = { username: 'ada', password: 'correct horse battery' }
const JSON_TYPE = { 'Content-Type': 'application/json' }
const FORM_TYPE = { 'Content-Type': 'application/x-www-form-urlencoded' }

const keys = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, i]))
const nested = (n: number) => `{"a":${'['.repeat(n)}${']'.repeat(n)}}`
const bomb = Buffer.alloc(20 * 1024 * 1024, ' ')

/** What is too large, with the statuses that it may have. */
const cases: [string, Omit<Sent, 'method' | 'path'> & { query?: string }, number[]][] = [
  ['a body of 17 kB', { headers: FORM_TYPE, body: `a=${'x'.repeat(17 * 1024)}` }, [413]],
  ['a body of 1.1 MB', { headers: JSON_TYPE, body: JSON.stringify('x'.repeat(1_100_000)) }, [413]],
  [
    'a gzip bomb',
    { headers: { ...JSON_TYPE, 'Content-Encoding': 'gzip' }, body: gzipSync(bomb) },
    [413],
  ],
  [
    'a deflate bomb',
    { headers: { ...JSON_TYPE, 'Content-Encoding': 'deflate' }, body: deflateSync(bomb) },
    [413],
  ],
  [
    'a brotli bomb',
    { headers: { ...JSON_TYPE, 'Content-Encoding': 'br' }, body: brotliCompressSync(bomb) },
    [400, 413],
  ],
  ['JSON nested 100,000 deep', { headers: JSON_TYPE, body: nested(100_000) }, [413]],
  ['JSON nested as deep as a body holds', { headers: JSON_TYPE, body: nested(8_000) }, [400]],
  ['70,000 keys', json(keys(70_000)), [413]],
  ['as many keys as a body holds', json(keys(1_300)), [400]],
  [
    'a query string of 70,000 keys',
    { query: `?${new URLSearchParams(keys(70_000) as never)}` },
    [431],
  ],
  ['a query string of 1,500 keys', { query: `?${'a=1&'.repeat(1_500)}` }, [400]],
  ['a token of 4 kB', bearer('a'.repeat(4 * 1024 + 1)), [400]],
  [
    'a token of 4 kB in three parts',
    bearer(`${'e'.repeat(2_000)}.${'e'.repeat(2_096)}.AAAA`),
    [400],
  ],
  ['a token of 15 kB', bearer('a'.repeat(15 * 1024)), [400]],
  ['a token of 16 kB', bearer('a'.repeat(16 * 1024)), [431]],
  ['a token of 20 kB', bearer('a'.repeat(20 * 1024)), [431]],
  ['a token of 8 kB in a body', json({ token: 'a'.repeat(8 * 1024) }), [400]],
  ['a token of 20 kB in a body', json({ token: 'a'.repeat(20 * 1024) }), [413]],
  [
    '300 headers',
    { headers: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x${i}`, ''])) },
    [431],
  ],
]

/** Sends it; a service that answers before it has all may close while the rest is on its way. */
async function ask(service: Service, { query = '', ...sending }: (typeof cases)[number][1]) {
  return service.request('PATCH', `/auth${query}`, sending).catch(() => undefined)
}

function isRefusal(
  t: ExecutionContext,
  name: string,
  answer: Answer | undefined,
  statuses: number[],
) {
  t.truthy(answer, name)
  if (!answer) return
  t.true(statuses.includes(answer.status), `${name}: ${answer.status} ${answer.text}`)
  t.is(answer.headers['content-type'], 'application/problem+json; charset=utf-8', name)
  t.is(answer.headers['x-content-type-options'], 'nosniff', name)
  t.true(answer.text.length < 400, name)
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

test.serial(
  'Size: what is too large is 400, 413 or 431, and memory is back within 10 s',
  async (t) => {
    const service = await startService(t, { AUDIT_LOG: 'off' })
    await service.request('POST', '/auth/user', json(ada))
    const { token } = (await service.request('POST', '/auth', json(ada))).json
    for (const [name, sending, statuses] of cases) {
      let answer: Answer | undefined
      for (let tries = 0; tries < 5 && !answer; tries += 1) answer = await ask(service, sending)
      isRefusal(t, name, answer, statuses)
    }
    const isLinux = process.platform === 'linux'
    async function askOften(rounds: number): Promise<void> {
      for (let i = 0; i < rounds; i += 1) {
        await Promise.all(cases.map(([, sending]) => ask(service, sending)))
      }
    }
    // A heap grows to what its work needs, and stays so: what counts is whether it goes on growing.
    await askOften(15)
    const before = isLinux ? await residentMb(service.pid) : 0
    await askOften(25)
    t.is((await service.request('GET', '/auth', bearer(token))).status, 200)
    if (!isLinux) return t.log('skipped: "memory is back" reads /proc')
    const end = performance.now() + 10_000
    let now = await residentMb(service.pid)
    while (now > before + 48 && performance.now() < end) {
      await delay(500)
      now = await residentMb(service.pid)
    }
    t.log(`${before.toFixed(0)} MB, then ${now.toFixed(0)} MB`)
    t.true(now <= before + 48, `${before} MB, then ${now} MB`)
  },
)

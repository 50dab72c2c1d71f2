import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import test from 'ava'
import { bearer, json } from '../support/http-client.ts'
import { graphs, startService } from '../support/service-process.ts'
import { newUsername } from '../support/world.ts'

const neo4j = graphs.find(({ name }) => name === 'Neo4j')
const onNeo4j = neo4j ? test.serial : test.skip
const PASSWORD = 'correct horse battery'

onNeo4j('workers share a port, and what one ends the other refuses', async (t) => {
  const service = await startService(t, { ...neo4j?.env, WORKERS: '2' })
  await service.ready()
  const user = { username: newUsername(), password: PASSWORD }
  t.is((await service.request('POST', '/auth/user', json(user))).status, 201)
  const { json: granted } = await service.request('POST', '/auth', json(user))
  const ask = async () => (await service.request('GET', '/auth', bearer(granted.token))).status
  for (let i = 0; i < 10; i += 1) t.is(await ask(), 200)
  t.is((await service.request('DELETE', '/auth', bearer(granted.token))).status, 200)
  await delay(1_000)
  for (let i = 0; i < 10; i += 1) t.is(await ask(), 401)

  const { text } = await service.request('GET', '/metrics')
  t.regex(text, /^sessiongraph_verify_total\{result="valid"\} 10$/m)
  t.regex(text, /^sessiongraph_verify_total\{result="token_is_blacklisted"\} 10$/m)
  t.regex(text, /^sessiongraph_feed_trusted 1$/m)
  t.regex(text, /^sessiongraph_prune_runs_total \d+$/m)
  t.is(text.match(/^# TYPE sessiongraph_verify_total /gm)?.length, 1)

  service.signal('SIGTERM')
  t.is((await service.exited).code, 0)
})

onNeo4j('a worker that dies under load is replaced and catches up first', async (t) => {
  const service = await startService(t, { ...neo4j?.env, WORKERS: '2' })
  await service.ready()
  const user = { username: newUsername(), password: PASSWORD }
  await service.request('POST', '/auth/user', json(user))
  const live = (await service.request('POST', '/auth', json(user))).json.token
  const ended = (await service.request('POST', '/auth', json(user))).json.token
  await service.request('DELETE', '/auth', bearer(ended))
  await delay(1_000)
  // The load tells which processes answer: each has its own part of the request ids.
  let isLoading = true
  const answers: string[] = []
  const load = Array.from({ length: 4 }, async () => {
    while (isLoading) {
      for (const [token, right] of [
        [live, 200],
        [ended, 401],
      ] as const) {
        try {
          const { status } = await service.request('GET', '/auth', bearer(token))
          if (status !== right) answers.push(`${status} instead of ${right}`)
        } catch (error) {
          // A connection to the one that was killed breaks; nothing was answered on it.
          const { code } = error as NodeJS.ErrnoException
          if (code !== 'ECONNRESET' && code !== 'EPIPE') throw error
        }
      }
    }
  })
  const worker = await childOf(service.pid)
  process.kill(worker, 'SIGKILL')
  await service.said(/a worker died and is replaced/)
  await delay(2_000)
  isLoading = false
  await Promise.all(load)
  t.deepEqual(answers, [])
  t.not(await childOf(service.pid), worker)
})

test('a process alone shows its metrics, and no label holds what a caller sent', async (t) => {
  const service = await startService(t)
  const user = { username: newUsername(), password: PASSWORD }
  await service.request('POST', '/auth/user', json(user))
  const { token } = (await service.request('POST', '/auth', json(user))).json
  for (let i = 0; i < 3; i += 1) await service.request('GET', '/auth', bearer(token))
  await service.request('GET', '/auth', bearer('junk'))
  await service.request('GET', `/${user.username}`)
  const { status, text, headers } = await service.request('GET', '/metrics')
  t.is(status, 200)
  t.regex(String(headers['content-type']), /^text\/plain; version=0\.0\.4/)
  t.regex(text, /^sessiongraph_verify_total\{result="valid"\} 3$/m)
  t.regex(text, /^sessiongraph_verify_total\{result="token_is_invalid"\} 1$/m)
  t.regex(text, /^sessiongraph_batch_rows_total\{kind="open"\} 1$/m)
  t.regex(text, /^sessiongraph_memory_asked_total 3$/m)
  t.regex(text, /^sessiongraph_checked_tokens 1$/m)
  t.regex(text, /^sessiongraph_checked_tokens_hits_total 3$/m)
  t.regex(text, /^sessiongraph_known_tokens 1$/m)
  t.regex(text, /^sessiongraph_known_tokens_hits_total [23]$/m)
  t.regex(text, /^sessiongraph_build_info\{version="[\d.]+"\} 1$/m)
  t.regex(text, /route="unknown"/)
  t.false(text.includes(user.username))
})

async function childOf(parent: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=', '--ppid', String(parent)])
  return Number(stdout.trim().split('\n')[0])
}

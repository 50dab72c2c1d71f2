import { readdir, readFile } from 'node:fs/promises'
import { getPriority } from 'node:os'
import test from 'ava'
import { yieldPool } from '../../bin/yield-pool.ts'
import { startService } from '../support/service-process.ts'

test('the threads that hash give way to all others of the service', async (t) => {
  // Elsewhere threads have no priority of their own.
  if (process.platform !== 'linux') return t.deepEqual(await yieldPool(), [])
  const { pid } = await startService(t)
  const ids = await readdir(`/proc/${pid}/task`)
  const threads = await Promise.all(
    ids.map(async (id) => {
      const name = await readFile(`/proc/${pid}/task/${id}/comm`, 'utf8')
      return { isPool: name.trim() === 'libuv-worker', priority: getPriority(Number(id)) }
    }),
  )
  const own = getPriority()
  const [pool, others] = [true, false].map((of) => threads.filter(({ isPool }) => isPool === of))
  const prioritiesOf = (some: typeof threads = []) => some.map(({ priority }) => priority)
  t.deepEqual(prioritiesOf(pool), [19, 19, 19, 19])
  t.deepEqual([...new Set(prioritiesOf(others))], [own])
})

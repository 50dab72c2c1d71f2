import { readdir, readFile } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'

const TASKS = '/proc/self/task'
const POOL_THREAD = 'libuv-worker'

/**
 * Gives the threads that hash passwords, those of libuv's pool, the lowest priority: whatever answers
 * requests, and a database on the same machine, goes before them. Gives the ids of these threads; none
 * where threads have no priority of their own, which they have on Linux alone.
 */
export async function yieldPool(): Promise<number[]> {
  // The pool itself does this reading, so that all of its threads are there.
  const ids = await readdir(TASKS).catch(() => [])
  const names = await Promise.all(ids.map((id) => readFile(`${TASKS}/${id}/comm`, 'utf8')))
  const pool = ids.filter((_, i) => names[i]?.trim() === POOL_THREAD).map(Number)
  for (const id of pool) setPriority(id, constants.priority.PRIORITY_LOW)
  return pool
}

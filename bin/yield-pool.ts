import { readdir, readFile } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'

const TASKS = '/proc/self/task'
const POOL_THREAD = 'libuv-worker'

/**
 * Gives the threads that hash passwords, those of libuv's pool, the lowest priority: whatever answers
 * requests, and a database on the same machine, goes before them. Gives the ids of the threads that do;
 * none where threads have no priority of their own, which they have on Linux alone, or where a sandbox
 * keeps it from being set.
 */
export async function yieldPool(): Promise<number[]> {
  // The pool itself does this reading, so that all of its threads are there.
  const ids = await readdir(TASKS).catch(() => [])
  const names = await Promise.all(ids.map(nameOf))
  return ids
    .filter((_, i) => names[i] === POOL_THREAD)
    .map(Number)
    .filter(yields)
}

// A thread that has ended since has no name.
async function nameOf(id: string): Promise<string> {
  return (await readFile(`${TASKS}/${id}/comm`, 'utf8').catch(() => '')).trim()
}

function yields(id: number): boolean {
  try {
    setPriority(id, constants.priority.PRIORITY_LOW)
    return true
  } catch {
    return false
  }
}

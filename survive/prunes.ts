import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Recorder } from './history.ts'
import type { Plan } from './plan.ts'

const PATIENCE_MS = 20_000

/** Prunes by the command line, as an operator would, beside the service's own schedule. */
export function schedulePrunes(
  { pruneSeconds, root }: Pick<Plan, 'pruneSeconds' | 'root'>,
  env: Record<string, string>,
  recorder: Recorder,
): { stop(): Promise<void> } {
  const stopping = new AbortController()

  async function prune(): Promise<void> {
    const at = recorder.now()
    const { PATH, HOME } = process.env
    const child = spawn(process.execPath, [join(root, 'bin', 'sessiongraph.js'), 'prune'], {
      cwd: root,
      env: { PATH, HOME, ...env },
      stdio: 'ignore',
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
    })
    const [code] = await once(child, 'close')
    recorder.write({ kind: 'prune', at, end: recorder.now(), code })
  }

  async function pruneOn(): Promise<void> {
    while (pruneSeconds > 0) {
      const pause = delay(pruneSeconds * 1000, undefined, { signal: stopping.signal })
      await pause.catch(() => undefined)
      if (stopping.signal.aborted) return
      await prune()
    }
  }

  const pruning = pruneOn()
  return {
    async stop() {
      stopping.abort()
      await pruning
    },
  }
}

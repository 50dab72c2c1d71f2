import { fileURLToPath } from 'node:url'
import { commandPath, runChild } from '../child.ts'

/** The connections of every load on GET /auth. */
export const CONNECTIONS = 32

/** What a load on GET /auth has found; latencies in ms. */
export interface Loaded {
  requests: number
  seconds: number
  p50: number
  p99: number
  max: number
  /** Answers other than 2xx, and requests without one. */
  bad: number
  failed: number
}

/** Loads a server with the tokens of a file, as fast as it answers. */
export interface Load {
  /** As a reader may look it up: `wrk 4.1.0`. */
  name: string
  run(url: string, tokens: string, seconds: number, key?: string): Promise<Loaded>
}

const script = fileURLToPath(new URL('wrk.lua', import.meta.url))
const cannon = fileURLToPath(new URL('cannon.ts', import.meta.url))

/** wrk where it is on the PATH, which takes less of the cores, else autocannon. */
export async function findLoad(): Promise<Load> {
  const wrk = await commandPath('wrk')
  if (!wrk) {
    return {
      name: 'autocannon (wrk is not on the PATH; it takes more of the cores, so ratios come out nearer to 1)',
      run(url, tokens, seconds, key) {
        const options = [url, tokens, String(CONNECTIONS), String(seconds)]
        return run(process.execPath, [cannon, ...options, ...(key ? [key] : [])], seconds)
      },
    }
  }
  return {
    name: 'wrk, 1 thread, its requests made beforehand by a Lua script',
    run(url, tokens, seconds, key) {
      const options = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${Math.ceil(seconds)}s`]
      return run(wrk, [...options, '-s', script, url, '--', tokens, ...(key ? [key] : [])], seconds)
    },
  }
}

async function run(file: string, args: string[], seconds: number): Promise<Loaded> {
  const output = await runChild(file, args, (seconds + 60) * 1000)
  const [, found] = /^RESULT (.+)$/m.exec(output) ?? []
  if (found) return JSON.parse(found) as Loaded
  throw new Error(`${file} gave no result:\n${output}`)
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import test from 'ava'
import { type Environment, startService } from '../support/service-process.ts'

const cases: [string, Environment, RegExp][] = [
  [
    'are set by default',
    {},
    /node --max-semi-space-size=16 --heap-growing-percent=60 --no-parallel-scavenge \S+ serve$/,
  ],
  ['are left to whoever sets one', { NODE_OPTIONS: '--max-semi-space-size=32' }, /node \S+ serve$/],
]

for (const [when, env, command] of cases) {
  test(`the sizes of the heap ${when}`, async (t) => {
    const { pid } = await startService(t, env)
    const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-ww', '-p', String(pid)])
    t.regex(stdout.trim(), command)
  })
}

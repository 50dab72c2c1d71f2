import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeApi } from '../src/http/openapi.ts'

// `npm run lint:api`: the description of the API, as it is served, before the linter; offline.

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-openapi-'))
const document = join(folder, 'openapi.json')
try {
  writeFileSync(document, JSON.stringify(describeApi(), null, 2))
  const linter = join(root, 'node_modules', '@redocly', 'cli', 'bin', 'cli.js')
  const config = join(root, 'redocly.yaml')
  const { status } = spawnSync(process.execPath, [linter, 'lint', document, '--config', config], {
    stdio: 'inherit',
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  })
  process.exitCode = status ?? 1
} finally {
  rmSync(folder, { recursive: true })
}

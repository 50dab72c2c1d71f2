import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// `npm run audit`: what the registry knows against the packages that run with the service. Where its
// audit endpoint cannot be reached, that is said and nothing is failed: a build must not hang on it.

export interface Verdict {
  /** Whether the endpoint answered. */
  reached: boolean
  /** Whether something high or critical was found. */
  failed: boolean
  /** What to tell. */
  line: string
}

interface Report {
  message?: string
  metadata?: { vulnerabilities?: Record<string, number> }
  vulnerabilities?: Record<string, { severity: string }>
}

const grave = ['high', 'critical']

/** Judges the output of `npm audit --json`. */
export function judge(output: string): Verdict {
  const report = parse(output)
  const counts = report.metadata?.vulnerabilities
  if (counts === undefined) {
    const why = report.message ?? 'npm said nothing'
    return { reached: false, failed: false, line: `audit: not reached (${why})` }
  }
  const found = Object.entries(report.vulnerabilities ?? {})
    .filter(([, { severity }]) => grave.includes(severity))
    .map(([name, { severity }]) => `${name} (${severity})`)
  const failed = grave.some((severity) => (counts[severity] ?? 0) > 0)
  const total = counts.total ?? 0
  if (!failed) return { reached: true, failed, line: `audit: nothing high or critical of ${total}` }
  return { reached: true, failed, line: `audit: update or replace ${found.join(', ')}` }
}

function parse(output: string): Report {
  try {
    return JSON.parse(output) as Report
  } catch {
    return {}
  }
}

if (import.meta.main) {
  const args = ['audit', '--omit=dev', '--package-lock-only', '--json', '--fetch-retries=0']
  const { stdout } = spawnSync('npm', args, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const { line, failed } = judge(stdout ?? '')
  console.log(line)
  process.exitCode = failed ? 1 : 0
}

import { AuthError } from '../error.ts'
import type { Command } from './commands.ts'
import { told } from './outcome.ts'
import { time } from './print.ts'

/** What an operator does when tokens have leaked, or a graph is lost. */
export const recovery: Command[] = [
  {
    words: 'invalidate',
    takes: [],
    options: '--issued-before TIME [--tenant TENANT] [--user USER]',
    summary: "end what was logged in for before a TIME, or now: everyone's, a tenant's or a user's",
    example: 'sessiongraph invalidate --issued-before now',
    async run(operator, _, options) {
      const { tenant, user: username } = options
      const invalidated = await operator.invalidate({
        ...issuedBefore(options['issued-before'] ?? 'now'),
        ...(tenant !== undefined && { tenant }),
        ...(username !== undefined && { username }),
      })
      const before = time(invalidated.before)
      return told({ 'log-ins ended': `before ${before}` }, invalidated)
    },
  },
  {
    words: 'backup',
    takes: ['FILE'],
    options: '[--force]',
    summary: 'a copy of the embedded graph, also while it serves',
    example: 'sessiongraph backup /backup/sessiongraph-monday',
    async run(operator, [file = ''], { force }, { archive }) {
      const backup = await archive.pack(await operator.copyGraph(), file, force)
      const { users, sessions, entries, seq } = backup.holds
      const shown = { file: backup.file, bytes: backup.bytes, users, sessions, entries, seq }
      return told(shown, shown)
    },
  },
  {
    words: 'restore',
    takes: ['FILE'],
    options: '',
    summary: 'replace the embedded graph by a backup, and end all sessions; needs the service down',
    example: 'sessiongraph restore /backup/sessiongraph-monday',
    async runAlone([file = ''], _, { archive }) {
      const restored = await archive.restore(file)
      const { replaced, before } = restored
      return told({ 'log-ins ended': `before ${time(before)}`, 'old graph': replaced }, restored)
    },
  },
]

// An instant without its distance from UTC would be another one on another machine.
const INSTANT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/
const MILLISECONDS = /^\d{13}$/

/** The instant that a TIME names; nothing for `now`. Throws request_is_invalid for what is none. */
function issuedBefore(given: string): { issuedBefore?: number } {
  if (given === 'now') return {}
  if (MILLISECONDS.test(given)) return { issuedBefore: Number(given) }
  const instant = INSTANT.test(given) ? Date.parse(given) : Number.NaN
  if (Number.isFinite(instant)) return { issuedBefore: instant }
  throw new AuthError('request_is_invalid', {
    detail: 'Give TIME as 2026-11-21T03:00:00Z, as milliseconds since 1970, or as "now".',
  })
}

import { type Logger, pino } from 'pino'
import type { Audit } from '../src/audit.ts'

/** Characters of a text that are written. */
const LONGEST = 256
/** Bytes that wait for a disk that takes none. */
const MOST_WAITING = 1024 * 1024

export interface AuditLog extends Audit {
  /** Opens its file anew, after a rotation. */
  reopen(): void
}

/**
 * Writes each event as one line of JSON, in one write before the call returns: to standard output, or to
 * the end of a file, which is made with mode 0600. Throws when that cannot be opened.
 */
export function openAuditLog(where: string, log: Logger): AuditLog {
  if (where === 'off') return { write: () => undefined, reopen: () => undefined }
  const isFile = where !== 'stdout'
  const destination = open(isFile ? where : 1)
  let isFailing = false
  destination.on('error', (error: Error) => {
    if (!isFailing) log.error({ reason: error.message }, 'the audit log cannot be written')
    isFailing = true
  })
  destination.on('write', () => {
    isFailing = false
  })
  const lines = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Instead of a level, what tells these lines from those of the log.
      formatters: { level: () => ({ audit: true }) },
    },
    { write: (line: string) => destination.write(escaped(line)) },
  )
  return {
    write(event) {
      const fields = Object.entries(event).map(([name, value]) => [
        name,
        typeof value === 'string' ? value.slice(0, LONGEST) : value,
      ])
      lines.info(Object.fromEntries(fields))
    },
    reopen() {
      if (!isFile) return
      try {
        destination.reopen()
      } catch (error) {
        const reason = (error as Error).message
        log.error({ reason }, 'the audit log cannot be opened anew: the old file is written on')
      }
    },
  }
}

function open(dest: string | number) {
  try {
    return pino.destination({ dest, sync: true, mode: 0o600, maxLength: MOST_WAITING })
  } catch (error) {
    const { message } = error as Error
    throw new Error(`AUDIT_LOG must name a file that can be written: ${message}`, { cause: error })
  }
}

// JSON leaves these as they are (U+2028, C1 controls, marks of direction), and some who read lines take
// them for a line's end or for a command.
function escaped(line: string): string {
  const text = line.slice(0, -1).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
  return `${text}\n`
}

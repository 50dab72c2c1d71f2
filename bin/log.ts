import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

/** JSON lines; on a terminal, lines for people. Written before the call returns, so none is lost. */
export function createLog(level: string): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (!process.stdout.isTTY) return pino(options, pino.destination({ dest: 1, sync: true }))
  return pino(options, pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l' }))
}

import type { Figures } from './figures.ts'

/** ms as people read them. */
export function time(ms: number | undefined): string {
  if (ms === undefined) return 'not seen'
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

export function number(value: number): string {
  return Math.round(value).toLocaleString('en')
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`
}

/** A few lines on one campaign. */
export function summary(figures: Figures): string[] {
  const { operations, seconds, byStatus, faults, violations, lost } = figures
  const statuses = Object.entries(byStatus).map(([status, count]) => `${number(count)} × ${status}`)
  const kinds = faults.map(
    ({ fault, count, longestMs }) => `${count} × ${fault} (${time(longestMs)})`,
  )
  return [
    `${number(operations)} operations in ${time(seconds * 1000)}: ${statuses.join(', ')}`,
    `faults, with the longest time without a write: ${kinds.join(', ') || 'none'}`,
    `worst answer ${time(figures.worstAnswerMs)}, p99 ${time(figures.p99AnswerMs)}; recovery after Bolt answers ${time(figures.worstRecoveryMs)}; start to ready ${time(figures.worstStartMs)}; at most ${megabytes(figures.mostBytes)}`,
    `${violations} violations, ${lost === 0 ? 'nothing' : lost} lost`,
  ]
}

import type { Line } from '../history.ts'
import { checkAnswers, checkConfirmed, checkNamed, checkSecrets } from './answers.ts'
import { join, type Violation } from './joined.ts'
import { checkNames } from './names.ts'
import { checkSessions } from './sessions.ts'

/**
 * Decides from the record alone whether the invariants I1 to I12 held; what did not is told in the
 * order in which it was seen. Takes n log n steps for n lines.
 */
export function check(lines: readonly Line[]): Violation[] {
  const history = join(lines)
  const found = [
    checkSessions(history),
    checkNames(history),
    checkConfirmed(history),
    checkAnswers(history),
    checkNamed(history),
    checkSecrets(history),
  ].flat()
  return found.sort((a, b) => a.at - b.at)
}

/** The first violation for people: what it is, the lines that show it, and how to see it again. */
export function explain(lines: readonly Line[], violations: readonly Violation[]): string {
  const [first] = violations
  const { campaign } = join(lines)
  if (!first) return 'No invariant was violated.'
  const shown = first.lines.map((number) => `  ${number}: ${JSON.stringify(lines[number - 1])}`)
  return [
    `${first.invariant} was violated at ${(first.at / 1000).toFixed(3)} s: ${first.what}`,
    ...shown,
    `${violations.length} violations in all. Seed ${campaign.seed}; to see it again: ${campaign.command}`,
  ].join('\n')
}

import type { Figure } from '../part.ts'
import type { Spread } from '../spread.ts'

/** A figure as people read it: three digits that count. */
export function number(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en')
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}

/** The median with its spread: `0.85 (0.81..0.88)`. */
export function spread({ median, min, max, rounds }: Spread): string {
  if (rounds.length === 1) return number(median)
  return `${number(median)} (${number(min)}..${number(max)})`
}

/** Whether a figure reaches its target. */
export function verdict({ target }: Figure): string {
  if (!target) return 'stated'
  return target.reached ? 'reached' : 'falls short'
}

/** A figure as one plain line. */
export function line(figure: Figure): string {
  const { name, unit, ours, against, ratio, target } = figure
  const parts = [`${name}: ${spread(ours)} ${unit}`]
  if (against) parts.push(`${against.name} ${spread(against.spread)}`)
  if (ratio) parts.push(`ratio ${spread(ratio)}`)
  if (target) parts.push(`${target.text}: ${verdict(figure)}`)
  return parts.join('; ')
}

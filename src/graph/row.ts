import type { Row } from './engine.ts'

/** The text in a column. Throws a TypeError when it is anything else: the graph was changed by others. */
export function text(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw unexpected(column, 'text')
  return value
}

/** The whole number in a column; the same TypeError. */
export function integer(row: Row, column: string): number {
  const value = row[column]
  if (!Number.isSafeInteger(value)) throw unexpected(column, 'whole number')
  return value as number
}

export function boolean(row: Row, column: string): boolean {
  const value = row[column]
  if (typeof value !== 'boolean') throw unexpected(column, 'truth value')
  return value
}

/** The list of maps in a column; the same TypeError. */
export function rows(row: Row, column: string): Row[] {
  const value = row[column]
  if (!Array.isArray(value)) throw unexpected(column, 'list')
  return value as Row[]
}

function unexpected(column: string, wanted: string): TypeError {
  return new TypeError(`the graph gave no ${wanted} as ${column}: was it changed by hand?`)
}

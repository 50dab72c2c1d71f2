/** Facts as aligned lines of a name and a value. */
export function facts(values: object): string {
  const entries = Object.entries(values)
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}

/** Rows as a table with their names as its head; `none` where there are none. */
export function table(rows: Record<string, string | number>[], none: string): string {
  const [first] = rows
  if (!first) return none
  const names = Object.keys(first)
  const widths = names.map((name) =>
    Math.max(name.length, ...rows.map((row) => String(row[name]).length)),
  )
  const line = (cells: (string | number | undefined)[]) =>
    cells
      .map((cell, i) => String(cell).padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(names), ...rows.map((row) => line(names.map((name) => row[name])))].join('\n')
}

/** An instant (ms) as people and programs read it. */
export function time(ms: number): string {
  return new Date(ms).toISOString()
}

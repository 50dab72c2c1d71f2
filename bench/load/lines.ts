import { readFile, writeFile } from 'node:fs/promises'

/** The lines of an ASCII file. */
export interface Lines {
  count: number
  at(index: number): string
}

/** Keeps the bytes, not a string a line: a million tokens are too many for one. */
export async function readLines(file: string): Promise<Lines> {
  const bytes = await readFile(file)
  const starts: number[] = [0]
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) starts.push(at + 1)
  return {
    count: starts.length - 1,
    at(index) {
      const [from, to] = [starts[index], starts[index + 1]]
      if (from === undefined || to === undefined) throw new RangeError(`no line ${index}`)
      return bytes.toString('latin1', from, to - 1)
    },
  }
}

/** Writes the chosen lines of a file to another. */
export async function pickLines(file: string, to: string, indexes: number[]): Promise<void> {
  const lines = await readLines(file)
  await writeLines(to, indexes.map(lines.at))
}

export async function writeLines(file: string, lines: string[]): Promise<void> {
  await writeFile(
    file,
    lines
      .map(
        (line) => `${line}
`,
      )
      .join(''),
    'latin1',
  )
}

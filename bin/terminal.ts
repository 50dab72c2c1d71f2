import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { Surroundings } from '../src/cli/commands.ts'

/** The command line's side of a terminal, a pipe or a file. */
export function createTerminal({ stdin, stdout, stderr }: NodeJS.Process) {
  let width = 0

  function clear(): void {
    if (width > 0) stderr.write(`\r${' '.repeat(width)}\r`)
    width = 0
  }

  // What is typed is not shown.
  async function ask(name: string): Promise<string> {
    stderr.write(`${name}: `)
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
    const lines = createInterface({ input: stdin, output: nowhere, terminal: true })
    lines.once('SIGINT', () => process.exit(130))
    const answer = await lines.question('')
    lines.close()
    stderr.write('\n')
    return answer
  }

  async function readAll(): Promise<string> {
    const chunks: Buffer[] = []
    for await (const chunk of stdin) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString('utf8')
  }

  const surroundings: Omit<Surroundings, 'keys' | 'archive'> = {
    async secret(name, file) {
      if (file === undefined && stdin.isTTY) return ask(name)
      const text = file === undefined ? await readAll() : await readFile(file, 'utf8')
      return text.replace(/\r?\n$/, '')
    },
    progress(text) {
      if (!stderr.isTTY) return
      clear()
      width = text.length
      stderr.write(text)
    },
  }
  return {
    ...surroundings,
    out(text: string): void {
      clear()
      stdout.write(`${text}\n`)
    },
    error(text: string): void {
      clear()
      stderr.write(`${text}\n`)
    },
  }
}

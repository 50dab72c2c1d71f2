import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { glob, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Every secret that the campaign makes contains this, so that any text can be searched for all. */
const MARK = 'svSecret'

// Three parts of a JWT, the first of which begins with {" in base64url.
const TOKEN = /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g

/** A secret that follows from what it is for. */
export function secretFor(...purpose: (string | number)[]): string {
  const digest = createHash('sha256').update(purpose.join('/')).digest('base64url')
  return `${MARK}-${digest}`
}

/** How often a text shows a password, a token or a secret. */
export function secretsIn(text: string): number {
  return text.split(MARK).length - 1 + (text.match(TOKEN)?.length ?? 0)
}

/** The same of every file below a folder, read piece by piece. */
export async function secretsBelow(folder: string): Promise<{ bytes: number; found: number }> {
  const sum = { bytes: 0, found: 0 }
  for await (const name of glob('**/*', { cwd: folder })) {
    const file = join(folder, name)
    if (!(await stat(file).catch(() => undefined))?.isFile()) continue
    const { bytes, found } = await secretsInFile(file)
    sum.bytes += bytes
    sum.found += found
  }
  return sum
}

const OVERLAP = 4_096

/** The same of one file. A secret that lies across two pieces is seen, since they overlap. */
export async function secretsInFile(file: string): Promise<{ bytes: number; found: number }> {
  let bytes = 0
  let found = 0
  let rest = ''
  for await (const chunk of createReadStream(file, 'latin1')) {
    const text = rest + chunk
    // What lay wholly in the overlap was counted with the piece before.
    found += secretsIn(text) - secretsIn(rest)
    bytes += chunk.length
    rest = text.slice(-OVERLAP)
  }
  return { bytes, found }
}

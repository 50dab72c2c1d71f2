import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'

const losses = {
  'jwt-secret': 'this logs all out',
  'api-key-secret': 'no key of a caller counts then',
}

/**
 * A secret kept in a folder, the one that signs unless another is named, made on the first start: 32 random
 * bytes as base64url text, in a file that only its owner can read. Throws when the file holds less.
 */
export async function keptSecret(
  directory: string,
  randomBytes: (size: number) => Buffer,
  name: keyof typeof losses = 'jwt-secret',
): Promise<string> {
  const path = join(directory, name)
  const secret = (await readIfThere(path)) ?? (await make(path, randomBytes(32)))
  if (Buffer.byteLength(secret) >= 32) return secret
  throw new Error(`${path} must hold at least 32 bytes; remove it for a new one (${losses[name]})`)
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    const { message } = error as Error
    throw new Error(`${path} must be a file that can be read: ${message}`, { cause: error })
  }
}

// Renamed when it is on disk: a crash leaves the whole secret or none.
async function make(path: string, bytes: Buffer): Promise<string> {
  const secret = bytes.toString('base64url')
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.chmod(0o600)
    await file.writeFile(`${secret}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
  return secret
}

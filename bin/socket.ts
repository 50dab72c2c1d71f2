import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Line, type Verb, verbs } from '../src/cli/remote.ts'
import { AuthError } from '../src/error.ts'
import type { Operator, PruneOptions } from '../src/operator.ts'

/** Where the service that holds the graph of a folder listens for the command line. */
export function socketPath(dataDir: string): string {
  return join(dataDir, 'sessiongraph.sock')
}

/**
 * Lets the command line act through the process that owns the embedded graph: a Unix socket that only
 * its owner can open (mode 0600, in a folder of mode 0700).
 */
export async function openSocket(
  dataDir: string,
  operator: Operator,
  log: Logger,
): Promise<{ close(): Promise<void> }> {
  const path = socketPath(dataDir)
  // One that is left is of a process that died: this one holds the graph's lock.
  await rm(path, { force: true })
  const server = createServer((request, response) => {
    answer(operator, request, response).catch((error) => {
      log.error({ err: error }, 'command')
      response.destroy()
    })
  })
  await new Promise<void>((resolve) => {
    server.once('error', (error) => {
      log.warn(
        { reason: error.message },
        'no socket for the command line: it needs the service down',
      )
      resolve()
    })
    const mask = process.umask(0o177)
    server.listen(path, resolve)
    process.umask(mask)
  })
  await chmod(path, 0o600).catch(() => undefined)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  operator: Operator,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const say = (line: Line) => response.write(`${JSON.stringify(line)}\n`)
  try {
    const verb = verbs.find((one) => request.url === `/${one}`)
    if (!verb)
      throw new AuthError('not_found', { detail: `The service knows ${verbs.join(', ')}.` })
    say({ result: (await run(operator, verb, await bodyOf(request), say)) ?? null })
  } catch (error) {
    const { code, detail } =
      error instanceof AuthError ? error : new AuthError('unknown_server_error', { cause: error })
    say({ failure: { code, detail } })
  }
  response.end()
}

function run(
  operator: Operator,
  verb: Verb,
  [first]: unknown[],
  say: (line: Line) => void,
): Promise<unknown> {
  if (verb !== 'prune') return operator[verb](first as never)
  const { dryRun = false } = (first ?? {}) as PruneOptions
  return operator.prune({ dryRun, onProgress: (progress) => say({ progress }) })
}

async function bodyOf(request: IncomingMessage): Promise<unknown[]> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return JSON.parse(text)
}

import { request } from 'node:http'
import { AuthError, type Code, codes } from '../error.ts'
import type { Operator, Pruned } from '../operator.ts'

/** The verbs that travel, each with its arguments as a JSON list. */
export const verbs = [
  'status',
  'addUser',
  'setPassword',
  'showUser',
  'suspendUser',
  'reinstateUser',
  'deleteUser',
  'listSessions',
  'endSessions',
  'addTenant',
  'listTenants',
  'suspendTenant',
  'reinstateTenant',
  'addCaller',
  'listCallers',
  'rotateCaller',
  'revokeCaller',
  'invalidate',
  'copyGraph',
  'explainToken',
  'prune',
] as const satisfies (keyof Operator)[]

export type Verb = (typeof verbs)[number]

/** One line of an answer: how far it is, what came of it, or why it failed. */
export type Line =
  | { progress: Pruned }
  | { result: unknown }
  | { failure: { code: Code; detail: string } }

/** An operator that asks a running service through its socket. */
export function askService(socketPath: string): Operator {
  async function call(verb: Verb, args: unknown[], onLine: (line: Line) => void = () => {}) {
    let last: Line | undefined
    await post(socketPath, verb, args, (line) => {
      last = line
      onLine(line)
    })
    if (last && 'failure' in last) {
      const { code, detail } = last.failure
      throw new AuthError(codes.includes(code) ? code : 'unknown_server_error', { detail })
    }
    if (!last || !('result' in last)) throw new Error('the service closed before it answered')
    return last.result
  }

  function ask<T>(verb: Verb) {
    return (...args: unknown[]) => call(verb, args) as Promise<T>
  }

  return {
    status: ask('status'),
    addUser: ask('addUser'),
    setPassword: ask('setPassword'),
    showUser: ask('showUser'),
    suspendUser: ask('suspendUser'),
    reinstateUser: ask('reinstateUser'),
    deleteUser: ask('deleteUser'),
    listSessions: ask('listSessions'),
    endSessions: ask('endSessions'),
    addTenant: ask('addTenant'),
    listTenants: ask('listTenants'),
    suspendTenant: ask('suspendTenant'),
    reinstateTenant: ask('reinstateTenant'),
    addCaller: ask('addCaller'),
    listCallers: ask('listCallers'),
    rotateCaller: ask('rotateCaller'),
    revokeCaller: ask('revokeCaller'),
    invalidate: ask('invalidate'),
    copyGraph: ask('copyGraph'),
    explainToken: ask('explainToken'),
    async prune({ dryRun = false, onProgress } = {}) {
      const result = await call('prune', [{ dryRun }], (line) => {
        if ('progress' in line) onProgress?.(line.progress)
      })
      return (result as Pruned | null) ?? undefined
    },
  }
}

function post(
  socketPath: string,
  verb: Verb,
  args: unknown[],
  onLine: (line: Line) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method: 'POST', path: `/${verb}` }, (response) => {
      let rest = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() as string
        for (const line of lines) onLine(JSON.parse(line))
      })
      response.on('end', resolve)
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(JSON.stringify(args))
  })
}

import type { CallerStatus, MadeKey } from '../operator.ts'
import type { Command } from './commands.ts'
import { DONE, listed, type Outcome } from './outcome.ts'
import { facts, time } from './print.ts'

const SHOWN_ONCE = `
This key is shown once: put it where the backend reads its secrets, to be sent as X-Api-Key.`

/** What an operator does with callers. */
export const callerCommands: Command[] = [
  {
    words: 'caller add',
    takes: ['NAME'],
    options: '--scopes SCOPE,... [--tenant T] [--certificate]',
    summary: 'let a backend call: with a key, or with a certificate of that name',
    example: 'sessiongraph caller add shop --scopes verify,sessions',
    async run(operator, [name = ''], { scopes, tenant, certificate }) {
      const made = await operator.addCaller({
        name,
        scopes: listOf(scopes),
        certificate,
        ...(tenant !== undefined && { tenant }),
      })
      return shown(made)
    },
  },
  {
    words: 'caller list',
    takes: [],
    options: '',
    summary: 'who may call, and who was revoked',
    example: 'sessiongraph caller list',
    async run(operator) {
      const callers = await operator.listCallers()
      return listed(callers.map(rowOf), 'no callers', callers)
    },
  },
  {
    words: 'caller rotate',
    takes: ['NAME'],
    options: '[--overlap SECONDS]',
    summary: 'give a caller another key; the one before counts for a day, or as long as is said',
    example: 'sessiongraph caller rotate shop --overlap 3600',
    async run(operator, [name = ''], { overlap }) {
      const seconds = overlap === undefined ? {} : { overlapSeconds: wholeSeconds(overlap) }
      return shown(await operator.rotateCaller({ name, ...seconds }))
    },
  },
  {
    words: 'caller revoke',
    takes: ['NAME'],
    options: '',
    summary: 'end a caller with all its keys; its name may be added again',
    example: 'sessiongraph caller revoke shop',
    async run(operator, [name = '']) {
      await operator.revokeCaller(name)
      return DONE
    },
  },
]

function listOf(scopes: string | undefined): string[] {
  return scopes === undefined ? [] : scopes.split(',').map((scope) => scope.trim())
}

// What is no number of seconds is refused where every overlap is checked.
function wholeSeconds(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
}

function shown({ name, key }: MadeKey): Outcome {
  const json = key === null ? { name } : { name, key }
  const text =
    key === null ? `${facts({ name })}\nIts certificate is its proof.` : facts(json) + SHOWN_ONCE
  return { text, json, exitCode: 0 }
}

function rowOf({ name, status, scopes, tenant, certificate, keys, ...caller }: CallerStatus) {
  const proofs = keys.map(({ id, until }) => (until === null ? id : `${id} until ${time(until)}`))
  return {
    caller: name,
    status,
    scopes: scopes.join(','),
    tenant: tenant ?? '',
    created: time(caller.createdAt),
    revoked: caller.revokedAt === null ? '' : time(caller.revokedAt),
    proof: certificate ? 'certificate' : proofs.join(', '),
  }
}

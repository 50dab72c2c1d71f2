import type { Operation, Recorder } from '../history.ts'
import type { Random } from '../random.ts'
import { secretFor } from '../secrets.ts'
import type { Answered, Asked, Client } from './client.ts'
import type { HeldSession, HeldToken, HeldUser } from './holdings.ts'

/** What a client can do, each recorded as one operation. */
export interface Operations {
  register(client: Client, user: HeldUser, password: number): Promise<Answered>
  /** Sets the password of that number. */
  change(client: Client, user: HeldUser, password: number): Promise<Answered>
  /** The session that it opened, or nothing. */
  login(client: Client, user: HeldUser, password?: number): Promise<HeldSession | undefined>
  verify(client: Client, token: HeldToken, respelled?: boolean): Promise<Answered>
  /** The successor's id, or nothing. */
  refresh(client: Client, token: HeldToken): Promise<HeldToken | undefined>
  end(client: Client, token: HeldToken, scope: 'session' | 'token'): Promise<Answered>
}

interface Parts {
  recorder: Recorder
  worker: number
  random: Random
}

export function createOperations({ recorder, worker, random }: Parts): Operations {
  type Given = Pick<
    Operation,
    'verb' | 'user' | 'password' | 'session' | 'token' | 'scope' | 'respelled'
  >

  async function perform(
    client: Client,
    given: Given,
    asked: Asked,
    outcome?: (json: Answered['json']) => Pick<Operation, 'made' | 'said' | 'session'> | undefined,
  ): Promise<Answered> {
    const at = recorder.now()
    const answered = await client.ask(asked)
    const { status, json } = answered
    const isDone = status !== null && status < 300
    const code = typeof json.code === 'string' ? { code: json.code } : undefined
    recorder.write({
      kind: 'op',
      ...given,
      worker,
      replica: client.replica,
      at,
      end: recorder.now(),
      status,
      ...code,
      ...(isDone && outcome?.(json)),
    })
    return answered
  }

  function credentials({ name }: HeldUser, password: number): object {
    return { username: name, password: secretFor(name, password) }
  }

  return {
    register(client, user, password) {
      const asked = {
        method: 'POST',
        path: '/auth/user',
        body: credentials(user, password),
      } as const
      return perform(client, { verb: 'register', user: user.name, password }, asked)
    },

    change(client, user, password) {
      const asked = {
        method: 'PATCH',
        path: '/auth/user',
        body: credentials(user, password),
      } as const
      return perform(client, { verb: 'change', user: user.name, password }, asked)
    },

    async login(client, user, password = user.password) {
      const asked = { method: 'POST', path: '/auth', body: credentials(user, password) } as const
      let session: HeldSession | undefined
      await perform(client, { verb: 'login', user: user.name, password }, asked, (json) => {
        const { id, text, lifeMs } = tokenIn(json)
        const at = recorder.now()
        const opened: HeldSession = { id, user, tokens: [], at, isEnded: false }
        opened.tokens.push({ id, text, session: opened, at })
        session = opened
        return { session: id, made: { token: id, lifeMs } }
      })
      return session
    },

    verify(client, { id, text, session }, respelled = false) {
      const asked = {
        method: 'GET',
        path: '/auth',
        token: respelled ? respell(text, random) : text,
      } as const
      const given: Given = {
        verb: 'verify',
        user: session.user.name,
        session: session.id,
        token: id,
      }
      return perform(client, respelled ? { ...given, respelled } : given, asked, (json) => ({
        said: { user: String(json.username), session: String(json.session) },
      }))
    },

    async refresh(client, { id, text, session }) {
      const asked = { method: 'PATCH', path: '/auth', token: text } as const
      const given: Given = {
        verb: 'refresh',
        user: session.user.name,
        session: session.id,
        token: id,
      }
      let next: HeldToken | undefined
      await perform(client, given, asked, (json) => {
        const { lifeMs, ...token } = tokenIn(json)
        next = session.tokens.find((held) => held.id === token.id)
        if (!next) {
          next = { ...token, session, at: recorder.now() }
          session.tokens.push(next)
        }
        return { made: { token: token.id, lifeMs } }
      })
      return next
    },

    end(client, { id, text, session }, scope) {
      if (scope === 'session') session.isEnded = true
      const path = scope === 'session' ? '/auth' : '/auth?scope=token'
      const asked = { method: 'DELETE', path, token: text } as const
      const given: Given = {
        verb: 'end',
        user: session.user.name,
        session: session.id,
        token: id,
        scope,
      }
      return perform(client, given, asked)
    },
  }
}

/** A token is a JWT: its id, and its life by its own word (RFC 7519 §4.1). */
function tokenIn(json: Answered['json']): { id: string; text: string; lifeMs: number } {
  const text = String(json.token)
  const payload = Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()
  const { jti, iat, exp } = JSON.parse(payload) as { jti: string; iat: number; exp: number }
  return { id: jti, text, lifeMs: (exp - iat) * 1000 }
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same bytes otherwise: a loose decoder skips bits and signs that a strict one refuses. */
function respell(text: string, random: Random): string {
  const last = DIGITS.indexOf(text.slice(-1))
  return random.pick([
    `${text}=`,
    `${text.slice(0, -1)}${DIGITS[last ^ 1]}`,
    `${text.slice(0, -1)}${DIGITS[last ^ 2]}`,
    text.replace('.', '=.'),
  ])
}

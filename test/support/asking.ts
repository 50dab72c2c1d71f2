import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { Engine } from '../../src/graph/engine.ts'
import { type Answer, bearer, json, type Sending, send } from './http-client.ts'
import { serveTestService } from './http-service.ts'
import { newUsername, PASSWORD } from './world.ts'

export type Ask = (method: string, path: string, sending?: Sending) => Promise<Answer>

/** The verbs of a token. */
export const doors = ['GET', 'PATCH', 'DELETE'] as const

/** A service of the tests that ends with its test; what it answers is asked for again after a 503. */
export async function asking(
  t: Pick<ExecutionContext, 'teardown'>,
  engine: Engine,
  options: Parameters<typeof serveTestService>[1] = {},
): Promise<Ask> {
  const { url, close } = await serveTestService(engine, { fromMemory: true, ...options })
  t.teardown(close)
  return async (method, path, sending = {}) => {
    for (let left = 20; ; left -= 1) {
      const answer = await send(url, { method, path, ...sending })
      if (answer.status !== 503 || left === 0) return answer
      await delay(100)
    }
  }
}

/** A new user who has logged in. */
export async function loggedIn(ask: Ask): Promise<{ username: string; token: string }> {
  const user = { username: newUsername(), password: PASSWORD }
  await ask('POST', '/auth/user', json(user))
  const { json: grant } = await ask('POST', '/auth', json(user))
  return { username: user.username, token: String(grant.token) }
}

/** The ways in which a text can be sent as a token: as JSON any, as a header only what fits there. */
export function waysOf(token: string): Sending[] {
  return /^[\x21-\x2b\x2d-\x7e]+$/.test(token)
    ? [json({ token }), bearer(token)]
    : [json({ token })]
}

/** Asserts that every door answers so, however the token is sent. */
export async function answersAtEveryDoor(
  t: ExecutionContext,
  ask: Ask,
  token: string,
  [status, message]: [number, string],
): Promise<void> {
  for (const method of doors) {
    for (const sending of waysOf(token)) {
      const answer = await ask(method, '/auth', sending)
      t.is(answer.status, status, `${method}: ${answer.text}`)
      t.is(answer.json.message, message, method)
    }
  }
}

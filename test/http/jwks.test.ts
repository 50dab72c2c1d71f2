import { createPublicKey, verify } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { keyRingOf } from '../../src/keys.ts'
import { json, send } from '../support/http-client.ts'
import { serveTestService } from '../support/http-service.ts'
import { keyJwk, keysOf } from '../support/keys.ts'
import { type Opened, registerOnEngines } from '../support/suites.ts'
import { newUsername, PASSWORD } from '../support/world.ts'

const PATH = '/.well-known/jwks.json'
const es = keyJwk('ES256', 'es')
const ps = keyJwk('PS256', 'ps', 'next')
const hs = keyJwk('HS256', 'hs', 'previous')

async function serve(
  t: ExecutionContext,
  { engine }: Opened,
  ring = keyRingOf(keysOf(ps, es, hs)),
) {
  const served = await serveTestService(engine, { ring })
  t.teardown(() => served.close())
  return (method: string, path: string, sending = {}) =>
    send(served.url, { method, path, ...sending })
}

registerOnEngines((test, opened) => {
  test('the public keys are shown, the next one included, and no secret of any', async (t) => {
    const ask = await serve(t, opened())
    const { status, headers, text, json: body } = await ask('GET', PATH)
    t.is(status, 200)
    t.is(headers['content-type'], 'application/jwk-set+json; charset=utf-8')
    t.is(headers['cache-control'], 'public, max-age=60')
    t.is(headers['x-content-type-options'], 'nosniff')
    t.deepEqual(body, {
      keys: [
        { kty: 'RSA', n: ps.n, e: ps.e, kid: 'ps', alg: 'PS256', use: 'sig' },
        { kty: 'EC', crv: 'P-256', x: es.x, y: es.y, kid: 'es', alg: 'ES256', use: 'sig' },
      ],
    })
    for (const secret of [es.d, ps.d, ps.p, ps.q, ps.dp, ps.dq, ps.qi, hs.k, 'hs']) {
      t.false(text.includes(`"${secret}"`))
    }
  })

  test('a ring of secrets shows no key', async (t) => {
    const ask = await serve(t, opened(), keyRingOf(keysOf({ ...hs, state: 'current' })))
    t.deepEqual((await ask('GET', PATH)).json, { keys: [] })
  })

  test('what is shown follows the ring', async (t) => {
    const ring = keyRingOf(keysOf(es, { ...hs, state: 'previous' }))
    const ask = await serve(t, opened(), ring)
    t.is(((await ask('GET', PATH)).json.keys as unknown[]).length, 1)
    ring.replace(keysOf({ ...hs, state: 'current' }))
    t.deepEqual((await ask('GET', PATH)).json, { keys: [] })
  })

  test('a token can be checked with the key that its kid names', async (t) => {
    const ask = await serve(t, opened())
    const user = { username: newUsername(), password: PASSWORD }
    await ask('POST', '/auth/user', json(user))
    const { token } = (await ask('POST', '/auth', json(user))).json
    const [header = '', payload = '', signature = ''] = String(token).split('.')
    const { kid, alg } = JSON.parse(Buffer.from(header, 'base64url').toString())
    t.is(alg, 'ES256')
    const { keys } = (await ask('GET', PATH)).json as { keys: { kid: string }[] }
    const key = createPublicKey({
      key: keys.find((one) => one.kid === kid) as never,
      format: 'jwk',
    })
    const content = Buffer.from(`${header}.${payload}`)
    const bytes = Buffer.from(signature, 'base64url')
    t.true(verify('sha256', content, { key, dsaEncoding: 'ieee-p1363' }, bytes))
  })

  test('the path takes GET and HEAD, to the letter', async (t) => {
    const ask = await serve(t, opened())
    t.is((await ask('HEAD', PATH)).status, 200)
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const refused = await ask(method, PATH)
      t.is(refused.status, 405)
      t.regex(String(refused.headers.allow), /^GET, HEAD\b/)
      t.is(refused.headers['cache-control'], 'no-store')
    }
    for (const path of [`${PATH}/`, '/.well-known/JWKS.json', '/.well-known/', '/jwks.json']) {
      t.is((await ask('GET', path)).status, 404, path)
    }
  })
})

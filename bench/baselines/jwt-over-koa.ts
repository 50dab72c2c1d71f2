import { createSecretKey } from 'node:crypto'
import Router from '@koa/router'
import jwt from 'jsonwebtoken'
import Koa from 'koa'
import { listen } from './listen.ts'

/** Koa, a router, and a signature that is checked at each call; then whether its id was ended. */
export function serveJwt(isEnded?: (jti: string) => Promise<boolean>): void {
  const key = createSecretKey(Buffer.from(process.env.JWT_SECRET as string))
  const router = new Router()
  router.get('/auth', async (ctx) => {
    try {
      const token = ctx.get('Authorization').slice('Bearer '.length)
      const { jti, name, sid, iat, exp } = jwt.verify(token, key, {
        algorithms: ['HS256'],
      }) as Record<string, unknown>
      if (isEnded && (await isEnded(jti as string))) throw new Error('blacklisted')
      ctx.body = { username: name, session: sid, issuedAt: iat, expiresAt: exp }
    } catch {
      ctx.status = 401
      ctx.body = { message: 'Token is invalid' }
    }
  })
  const app = new Koa()
  app.use(router.routes())
  listen(app.callback())
}

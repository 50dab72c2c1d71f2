// What most services do: Koa, a router, and a signature that is checked at each call.
import { createSecretKey } from 'node:crypto'
import Router from '@koa/router'
import jwt from 'jsonwebtoken'
import Koa from 'koa'
import { listen } from './listen.ts'

const key = createSecretKey(Buffer.from(process.env.JWT_SECRET as string))
const router = new Router()
router.get('/auth', (ctx) => {
  try {
    const token = ctx.get('Authorization').slice('Bearer '.length)
    const { name, sid, iat, exp } = jwt.verify(token, key, { algorithms: ['HS256'] }) as Record<
      string,
      unknown
    >
    ctx.body = { username: name, session: sid, issuedAt: iat, expiresAt: exp }
  } catch {
    ctx.status = 401
    ctx.body = { message: 'Token is invalid' }
  }
})
const app = new Koa()
app.use(router.routes())
listen(app.callback())

// The home-made way: Koa, a router, a signature that is checked at each call, and a blacklist in Redis.
import { createSecretKey } from 'node:crypto'
import Router from '@koa/router'
import { createClient } from '@redis/client'
import jwt from 'jsonwebtoken'
import Koa from 'koa'
import { listen } from './listen.ts'

const key = createSecretKey(Buffer.from(process.env.JWT_SECRET as string))
const redis = await createClient({ url: `redis://127.0.0.1:${process.env.REDIS_PORT}` }).connect()
const router = new Router()
router.get('/auth', async (ctx) => {
  try {
    const token = ctx.get('Authorization').slice('Bearer '.length)
    const { jti, name, sid, iat, exp } = jwt.verify(token, key, {
      algorithms: ['HS256'],
    }) as Record<string, unknown>
    if (await redis.get(`blacklist:${jti}`)) throw new Error('blacklisted')
    ctx.body = { username: name, session: sid, issuedAt: iat, expiresAt: exp }
  } catch {
    ctx.status = 401
    ctx.body = { message: 'Token is invalid' }
  }
})
const app = new Koa()
app.use(router.routes())
listen(app.callback())

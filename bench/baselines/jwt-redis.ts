// The home-made way: Koa, a router, a signature that is checked at each call, and a blacklist in Redis.
import { createClient } from '@redis/client'
import { serveJwt } from './jwt-over-koa.ts'

const redis = await createClient({ url: `redis://127.0.0.1:${process.env.REDIS_PORT}` }).connect()
serveJwt(async (jti) => (await redis.get(`blacklist:${jti}`)) !== null)

// What most services do: Koa, a router, and a signature that is checked at each call.
import { serveJwt } from './jwt-over-koa.ts'

serveJwt()

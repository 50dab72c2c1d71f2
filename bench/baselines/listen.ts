import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'

/** Listens where the harness says. */
export function listen(listener: RequestListener): void {
  createServer(listener).listen(Number(process.env.PORT), '127.0.0.1')
}

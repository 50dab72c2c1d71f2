// Koa with a fixed body and nothing else.
import Koa from 'koa'
import { BODY } from './body.ts'
import { listen } from './listen.ts'

const app = new Koa()
app.use((ctx) => {
  ctx.type = 'json'
  ctx.body = BODY
})
listen(app.callback())

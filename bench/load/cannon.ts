// The load where there is no wrk, in a process of its own: URL, file of tokens, connections, seconds, and a key.
import { readFile } from 'node:fs/promises'
import autocannon from 'autocannon'

const [url = '', file = '', connections = '', seconds = '', key] = process.argv.slice(2)
const tokens = (await readFile(file, 'latin1')).trimEnd().split('\n')
let client = 0

const result = await autocannon({
  url: `${url}/auth`,
  connections: Number(connections),
  duration: Number(seconds),
  // A share of the tokens each: autocannon keeps every request of every connection ready.
  setupClient(one) {
    const share = tokens.filter((_, i) => i % Number(connections) === client)
    client += 1
    one.setRequests(
      (share.length > 0 ? share : tokens.slice(0, 1)).map((token) => ({
        method: 'GET' as const,
        path: '/auth',
        headers: { Authorization: `Bearer ${token}`, ...(key && { 'X-Api-Key': key }) },
      })),
    )
  },
})

const { latency, non2xx: bad, errors, duration } = result
const loaded = { requests: result.requests.total, seconds: duration, bad, failed: errors }
console.log(
  `\nRESULT ${JSON.stringify({ ...loaded, p50: latency.p50, p99: latency.p99, max: latency.max })}`,
)

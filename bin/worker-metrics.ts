import cluster from 'node:cluster'
import { AggregatorRegistry, type Registry } from 'prom-client'

interface Question {
  metrics: number
}

interface Answer {
  metricsOf: number
  text: string
}

/** In the first process: answers workers that are asked for /metrics with the sums over all of them. */
export function answerWorkers(own: Registry): void {
  const all = new AggregatorRegistry()
  cluster.on('message', async (worker, message: Partial<Question>) => {
    if (typeof message.metrics !== 'number') return
    const text = await all.clusterMetrics().catch(() => '')
    const answer: Answer = { metricsOf: message.metrics, text: `${text}\n${await own.metrics()}` }
    if (worker.isConnected()) worker.send(answer, () => undefined)
  })
}

/** In a worker: lends its own metrics to the sums, and asks the first process for these. */
export function askFirst(registry: Registry): () => Promise<string> {
  AggregatorRegistry.setRegistries(registry)
  new AggregatorRegistry()
  const waiting = new Map<number, (text: string) => void>()
  let count = 0
  process.on('message', ({ metricsOf, text }: Partial<Answer>) => {
    if (metricsOf === undefined || text === undefined) return
    waiting.get(metricsOf)?.(text)
    waiting.delete(metricsOf)
  })
  return () =>
    new Promise((resolve) => {
      count += 1
      waiting.set(count, resolve)
      process.send?.({ metrics: count } satisfies Question)
    })
}

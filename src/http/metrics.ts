import type { Context, Middleware } from 'koa'
import { type Aggregator, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { AuthError } from '../error.ts'
import { allowed } from './routes.ts'

/** Figures that are read when they are asked for, by name: a number, or numbers by one label. */
export type Readings = Record<string, Reading>

export interface Reading {
  help: string
  kind: 'counter' | 'gauge'
  /** The name of the label, where there is one. */
  label?: string
  /** What it is over several workers; their sum unless said otherwise. */
  over?: 'max' | 'min' | 'first'
  read(): number | Record<string, number>
}

export interface Metrics {
  registry: Registry
  /** Counts a verify by its result and what it took, in seconds. */
  verified(result: string, seconds: number): void
  /** Counts each request, and each verify among them. */
  observe: Middleware
}

const PREFIX = 'sessiongraph_'
const BUCKETS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 3]

/** The service's metrics. No label ever holds what a caller sent: no user, no token, no path. */
export function createMetrics(readings: Readings): Metrics {
  const registry = new Registry()
  const verifySeconds = new Histogram({
    name: `${PREFIX}verify_duration_seconds`,
    help: 'What a verify takes',
    buckets: BUCKETS,
    registers: [registry],
  })
  const requestSeconds = new Histogram({
    name: `${PREFIX}request_duration_seconds`,
    help: 'What a request takes that goes through the framework',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3],
    registers: [registry],
  })
  // Read when they are asked for, since even counting takes a part of a verify.
  const verifies: Record<string, number> = {}
  exposeReadings(registry, {
    verify_total: {
      help: 'Verifies by result: valid, or the code of the refusal',
      kind: 'counter',
      label: 'result',
      read: () => verifies,
    },
    ...readings,
  })

  function verified(result: string, seconds: number): void {
    verifies[result] = (verifies[result] ?? 0) + 1
    verifySeconds.observe(seconds)
  }

  async function observe(ctx: Context, next: () => Promise<unknown>): Promise<void> {
    const begun = performance.now()
    await next()
    const seconds = (performance.now() - begun) / 1000
    const { method, path, status } = ctx
    const route = allowed(path) === undefined ? 'unknown' : path
    requestSeconds.labels(knownMethod(method), route, String(status)).observe(seconds)
    if (route !== '/auth' || (method !== 'GET' && method !== 'HEAD')) return
    const { failure } = ctx.state
    verified(failure instanceof AuthError ? failure.code : 'valid', seconds)
  }

  return { registry, verified, observe }
}

/** The handler of /metrics. */
export function metricsHandlers(exposition: () => Promise<string>) {
  // GET /metrics
  async function metrics(ctx: Context): Promise<void> {
    ctx.body = await exposition()
    ctx.type = Registry.PROMETHEUS_CONTENT_TYPE
  }

  return { metrics }
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'])

function knownMethod(method: string): string {
  return methods.has(method) ? method : 'other'
}

/** Adds figures that are read when they are asked for. */
export function exposeReadings(registry: Registry, readings: Readings): void {
  for (const [name, reading] of Object.entries(readings)) expose(registry, name, reading)
}

function expose(
  registry: Registry,
  name: string,
  { help, kind, label, read, over }: Reading,
): void {
  const options = {
    name: PREFIX + name,
    help,
    labelNames: label === undefined ? [] : [label],
    registers: [registry],
    aggregator: (over ?? 'sum') as Aggregator,
  }
  const metric =
    kind === 'gauge'
      ? new Gauge({ ...options, collect: () => fill((labels, value) => gauge.set(labels, value)) })
      : new Counter({
          ...options,
          collect: () => fill((labels, value) => counter.inc(labels, value)),
        })
  const gauge = metric as Gauge
  const counter = metric as Counter

  function fill(put: (labels: Record<string, string>, value: number) => void): void {
    metric.reset()
    const value = read()
    if (typeof value === 'number') put({}, value)
    else for (const [one, of] of Object.entries(value)) put({ [label ?? 'of']: one }, of)
  }
}

import { parseArgs } from 'node:util'

export type EngineName = 'neo4j' | 'embedded'

export const FAULTS = {
  neo4j: [
    'kill-service',
    'stop-service',
    'term-service',
    'kill-graph',
    'stop-graph',
    'cut',
    'silence',
    'silence-up',
    'silence-down',
    'delay',
    'swallow',
    'clock',
    'flood',
  ],
  embedded: ['kill-service', 'stop-service', 'term-service', 'clock', 'disk', 'flood'],
} as const satisfies Record<EngineName, string[]>

export type FaultName = (typeof FAULTS)[EngineName][number]

/** What a worker does next, as often as its weight says. */
export type Mix = Partial<Record<Deed, number>>

export type Deed =
  | 'verify'
  | 'refresh'
  | 'login'
  | 'end'
  | 'register'
  | 'change'
  | 'race-refresh'
  | 'race-register'
  | 'race-end'
  | 'race-change'

/** One campaign: one engine, one seed. */
export interface Plan {
  /** Makes the names of this campaign's users its own, where several share a graph. */
  name: string
  engine: EngineName
  seed: number
  seconds: number
  workers: number
  /** How long a worker waits between two deeds, on the average, in ms. */
  paceMs: number
  mix: Mix
  faults: readonly FaultName[]
  /** Seconds between two faults: at least, and at most. */
  gapSeconds: readonly [number, number]
  /** How long a fault lasts at the most, in seconds. */
  longestSeconds: number
  stalenessMs: number
  graceMs: number
  tokenSeconds: number
  /** How often the command line prunes, in seconds; 0 for never. */
  pruneSeconds: number
  /** Settings beside those above. */
  settings: Record<string, string>
  /** The checkout that is run. */
  root: string
  command: string
}

export const everyDeed: Mix = {
  verify: 60,
  refresh: 12,
  login: 9,
  end: 5,
  register: 4,
  change: 2,
  'race-refresh': 2,
  'race-register': 1,
  'race-end': 2,
  'race-change': 1,
}

/** What the command line asks for. */
export interface Request {
  length: 'full' | 'quick' | 'broken'
  engines: EngineName[]
  seed: number
  /** In all, shared by the engines. */
  minutes: number
  faults: FaultName[] | undefined
  /** Broken builds by name; empty for all. */
  builds: string[]
}

export const USAGE = `npm run survive                 both engines, 30 minutes; writes docs/survival.md
npm run survive -- quick        both engines, 2 minutes, a fixed seed
npm run survive -- broken       the broken builds, each of which must be caught; names after it: only these
  --engine neo4j|embedded       one engine
  --seed N                      another load and other faults
  --minutes N                   how long in all
  --faults a,b                  only these faults; "none" for none: ${[...new Set([...FAULTS.neo4j, ...FAULTS.embedded])].join(' ')}`

const QUICK_SEED = 7
const MOST_SEED = 2 ** 31

/** Reads the command line. Throws an error that says what is wrong. */
export function requestOf(args: string[], drawSeed: () => number): Request {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      engine: { type: 'string' },
      seed: { type: 'string' },
      minutes: { type: 'string' },
      faults: { type: 'string' },
    },
  })
  const [length = 'full', ...builds] = positionals
  if (length !== 'full' && length !== 'quick' && length !== 'broken') {
    throw new Error(`there is no "${length}"`)
  }
  if (length !== 'broken' && builds.length > 0) throw new Error(`there is no "${builds[0]}"`)
  const seed = length === 'full' ? drawSeed() : QUICK_SEED
  const engines = enginesOf(values.engine)
  return {
    length,
    engines,
    seed: values.seed === undefined ? seed : numberOf('--seed', values.seed, 0, MOST_SEED),
    minutes: numberOf(
      '--minutes',
      values.minutes ?? (length === 'quick' ? '1.3' : '29'),
      0.1,
      1440,
    ),
    faults: values.faults === undefined ? undefined : faultsOf(values.faults),
    builds,
  }
}

function enginesOf(name: string | undefined): EngineName[] {
  if (name === undefined) return ['embedded', 'neo4j']
  if (name === 'neo4j' || name === 'embedded') return [name]
  throw new Error(`--engine must be neo4j or embedded, not "${name}"`)
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (text.trim() !== '' && number >= least && number <= most) return number
  throw new Error(`${name} must be a number from ${least} to ${most}, not "${text}"`)
}

function faultsOf(text: string): FaultName[] {
  if (text === 'none') return []
  const known: readonly string[] = [...FAULTS.neo4j, ...FAULTS.embedded]
  const names = text.split(',')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`no fault is called "${unknown}"`)
  return names as FaultName[]
}

/** The campaign on one engine that a request asks for. */
export function planOf(request: Request, engine: EngineName, root: string): Plan {
  const { seed, length } = request
  const possible: readonly FaultName[] = FAULTS[engine]
  const faults = request.faults?.filter((name) => possible.includes(name)) ?? possible
  const isQuick = length === 'quick'
  // On Neo4j there is more that can fail: it gets the greater part of the time.
  const share = request.engines.length === 1 ? 1 : engine === 'neo4j' ? 0.65 : 0.35
  const minutes = Math.round(request.minutes * share * 100) / 100
  const only = request.faults ? ` --faults ${request.faults.join(',') || 'none'}` : ''
  return {
    name: `${engine[0]}${seed}`,
    engine,
    seed,
    seconds: minutes * 60,
    workers: isQuick ? 16 : 32,
    paceMs: isQuick ? 50 : 80,
    mix: everyDeed,
    faults,
    gapSeconds: isQuick ? [1, 3] : [2, 8],
    longestSeconds: isQuick ? 3 : 10,
    stalenessMs: 1_000,
    graceMs: 2_000,
    tokenSeconds: isQuick ? 20 : 40,
    pruneSeconds: 10,
    settings: {},
    root,
    command: `npm run survive --${isQuick ? ' quick' : ''} --engine ${engine} --seed ${seed} --minutes ${minutes}${only}`,
  }
}

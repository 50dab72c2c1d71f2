import { addNext, newKeySet, newKid, retire, rotate } from '../key-rotation.ts'
import { KeySetError } from '../key-set.ts'
import { type Algorithm, algorithms, type SigningKey } from '../keys.ts'
import type { LocalCommand, Options } from './commands.ts'
import { listed, type Outcome } from './outcome.ts'
import { time } from './print.ts'

const ALGORITHM_OPTION = `[--alg ${algorithms.join('|')}]`

/** The commands about the file that JWT_KEYS_FILE names; they need neither the graph nor the service. */
export const keyCommands: LocalCommand[] = [
  {
    words: 'keys init',
    takes: [],
    options: `${ALGORITHM_OPTION} [--secret-file FILE]`,
    summary: 'make the key file; the secret that signed until now stays current, where it is given',
    example: 'sessiongraph keys init --alg ES256',
    async runAlone(_, options, { keys, secret }) {
      const file = options['secret-file']
      const text = newKeySet(algorithmOf(options) ?? 'HS256', {
        secret: file === undefined ? undefined : await secret('Secret', file),
        kids: [newKid(), newKid()],
        now: Date.now(),
      })
      return shown((await keys.create(text)).keys)
    },
  },
  {
    words: 'keys list',
    takes: [],
    options: '',
    summary: 'the keys of the key file with their states',
    example: 'sessiongraph keys list',
    runAlone: async (_args, _options, { keys }) => shown(keys.read().keys),
  },
  {
    words: 'keys next',
    takes: [],
    options: ALGORITHM_OPTION,
    summary: 'add a next key where there is none',
    example: 'sessiongraph keys next --alg ES256',
    async runAlone(_, options, { keys }) {
      const algorithm = algorithmOf(options)
      return shown((await keys.edit((text) => addNext(text, making(), algorithm))).keys)
    },
  },
  {
    words: 'keys rotate',
    takes: [],
    options: ALGORITHM_OPTION,
    summary: 'sign with the next key, keep the current one to verify, and make another next one',
    example: 'sessiongraph keys rotate',
    async runAlone(_, options, { keys }) {
      const algorithm = algorithmOf(options)
      return shown((await keys.edit((text) => rotate(text, making(), algorithm))).keys)
    },
  },
  {
    words: 'keys retire',
    takes: ['KID'],
    options: '',
    summary: 'remove a previous key, which ends its tokens, or replace the next one',
    example: 'sessiongraph keys retire 5f2b8c0d9e3a4f71',
    async runAlone([kid = ''], _, { keys }) {
      return shown((await keys.edit((text) => retire(text, kid, making()))).keys)
    },
  },
]

function making() {
  return { kid: newKid(), now: Date.now() }
}

function algorithmOf({ alg }: Options): Algorithm | undefined {
  if (alg === undefined) return undefined
  const algorithm = algorithms.find((one) => one === alg)
  if (algorithm) return algorithm
  throw new KeySetError([`--alg must be ${algorithms.join(', ').replace(/, (\w+)$/, ' or $1')}`])
}

function shown(keys: readonly SigningKey[]): Outcome {
  const json = keys.map(({ kid, algorithm, state, madeAt }) => ({
    kid,
    alg: algorithm,
    state,
    madeAt,
  }))
  const rows = json.map(({ madeAt, ...key }) => ({
    ...key,
    made: madeAt === null ? '' : time(madeAt),
  }))
  return listed(rows, 'no keys', json)
}

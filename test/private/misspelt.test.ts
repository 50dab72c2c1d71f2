import test from 'ava'
import { readConfig, settings } from '../../private/config.ts'
import { misspelt } from '../../private/misspelt.ts'

const names = Object.values(settings).map(({ variable }) => variable)

function meantBy(name: string): string | undefined {
  return misspelt([name], names)[0]?.meant
}

test('one slip away from a name is that name', (t) => {
  for (const [given, meant] of [
    ['NEO4J_URL', 'NEO4J_URI'],
    ['NEO4JURI', 'NEO4J_URI'],
    ['WORKER', 'WORKERS'],
    ['WOKRERS', 'WORKERS'],
    ['LOG_LEVLE', 'LOG_LEVEL'],
    ['XDATA_DIR', 'DATA_DIR'],
  ] as const) {
    t.is(meantBy(given), meant, given)
  }
})

test('two slips away from a long name is that name, from a short one it is not', (t) => {
  t.is(meantBy('TOKEN_TLT_SECOND'), 'TOKEN_TTL_SECONDS')
  t.is(meantBy('LOGIN_FAILURES_FOR_ACCOUNT'), 'LOGIN_FAILURES_PER_ACCOUNT')
  t.is(meantBy('NEO4J_UL'), undefined)
  t.is(meantBy('LOGLEVL'), undefined)
})

test('a name that other programs know is theirs', (t) => {
  t.is(meantBy('SSL_CERT_FILE'), undefined)
  t.is(meantBy('NEO4J_PORT_7687_TCP'), undefined)
})

test('every name with a letter too much, too few, another or two swapped is refused', (t) => {
  for (const name of names.filter(({ length }) => length >= 6)) {
    const [head, rest] = [name.slice(0, 3), name.slice(3)]
    for (const slip of [`${head}Q${rest}`, head + rest.slice(1), `${head}Q${rest.slice(1)}`]) {
      t.is(meantBy(slip), name, slip)
      t.throws(() => readConfig({ [slip]: 'x' }), { message: new RegExp(`did you mean ${name}`) })
    }
  }
})

test('names themselves and variables of others pass', (t) => {
  t.deepEqual(misspelt(names, names), [])
  const others = {
    NEO4J_PORT: 'tcp://10.0.0.1:7687',
    NEO4J_PORT_7687_TCP: 'tcp://10.0.0.1:7687',
    NEO4J_PORT_7687_TCP_ADDR: '10.0.0.1',
    NEO4J_SERVICE_HOST: '10.0.0.1',
    NEO4J_AUTH: 'none',
    KUBERNETES_SERVICE_PORT: '443',
    HOSTNAME: 'x',
    HOSTS: 'x',
    PORTS: 'x',
    POST: 'x',
    PATH: '/bin',
    NODE_ENV: 'production',
    LOG_FORMAT: 'x',
    UV_THREADPOOL_SIZE: '4',
  }
  t.deepEqual(readConfig(others), readConfig({}))
})

test('a variable that is empty is not there', (t) => {
  t.deepEqual(readConfig({ NEO4J_URL: '' }), readConfig({}))
})

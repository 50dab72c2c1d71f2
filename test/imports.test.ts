import { glob, readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

interface Source {
  /** From the root of the project, with slashes. */
  path: string
  text: string
}

const DOMAIN = /^src\/[^/]+$/

/** The packages that only some files may import; under src no others may be imported. */
const homes: Record<string, RegExp> = {
  jsonwebtoken: DOMAIN,
  bcrypt: DOMAIN,
  '@zxcvbn-ts/language-common': DOMAIN,
  'rate-limiter-flexible': /^src\/throttle\.ts$/,
  koa: /^src\/http\//,
  '@koa/router': /^src\/http\//,
  'koa-bodyparser': /^src\/http\//,
  'prom-client': /^(?:src\/http\/metrics\.ts$|bin\/)/,
  'neo4j-driver': /^src\/graph\/neo4j\.ts$/,
  '@grafeo-db/js': /^src\/graph\/embedded\.ts$/,
}

// Only where a comment begins its line: what is left too much is refused rather than missed.
function codeOf(text: string): string {
  return text.replaceAll(/^\s*(?:\/\/.*|\/\*[\s\S]*?\*\/)/gm, '')
}

const STATIC = /\bfrom\s*(['"])([^'"\n]+)\1|^\s*import\s*(['"])([^'"\n]+)\3/gm
const DYNAMIC = /\bimport\s*\(\s*(?:(['"])([^'"\n]+)\1\s*[,)])?/g

/** What a file imports, types included; undefined for a name that is computed. */
function importsOf(text: string): (string | undefined)[] {
  const code = codeOf(text)
  return [
    ...code.matchAll(STATIC).map((match) => match[2] ?? match[4]),
    ...code.matchAll(DYNAMIC).map((match) => match[2]),
  ]
}

function targetOf(path: string, name: string): string | undefined {
  return /^\.\.?\//.test(name) ? posix.join(posix.dirname(path), name) : undefined
}

function folderOf(path: string): string {
  return path.split('/', 2).join('/')
}

function mayImport(path: string, name: string, isTool: boolean): boolean {
  if (name === 'node:process' || name === 'process') return path.startsWith('bin/') || isTool
  if (name.startsWith('node:')) return true
  const isSource = path.startsWith('src/')
  const target = targetOf(path, name)
  if (target === undefined) {
    const home = homes[name.match(/^(?:@[^/]+\/)?[^/]+/)?.[0] ?? '']
    return isTool || (home ? home.test(path) : !isSource)
  }
  if (!isSource || DOMAIN.test(target)) return true
  return !DOMAIN.test(path) && folderOf(path) === folderOf(target)
}

/** The files of private that bin and src bring in; the others are tools of development. */
function shippedOf(sources: Source[]): Set<string> {
  const shipped = new Set(
    sources.map(({ path }) => path).filter((path) => /^(bin|src)\//.test(path)),
  )
  for (const path of shipped) {
    const text = sources.find((source) => source.path === path)?.text ?? ''
    for (const name of importsOf(text)) {
      const target = name && targetOf(path, name)
      if (target) shipped.add(target)
    }
  }
  return shipped
}

/** A line for every import, use of `process` and Cypher that is where it must not be. */
function brokenRules(sources: Source[]): string[] {
  const shipped = shippedOf(sources)
  return sources.flatMap(({ path, text }) => {
    const isTool = !shipped.has(path)
    const code = codeOf(text)
    const broken = importsOf(text).map((name) => {
      if (name === undefined) return isTool ? [] : [`${path} imports a computed name`]
      return mayImport(path, name, isTool) ? [] : [`${path} imports ${name}`]
    })
    if (/\brequire\s*\(|\bcreateRequire\b/.test(code)) broken.push([`${path} uses require`])
    if (!path.startsWith('bin/') && !isTool && /\bprocess\s*[.?[]|[=(,]\s*process\b/.test(code)) {
      broken.push([`${path} uses process`])
    }
    if (!path.startsWith('src/graph/') && /\b(?:MATCH|MERGE|CREATE)\b/.test(code)) {
      broken.push([`${path} has Cypher`])
    }
    return broken.flat()
  })
}

async function realSources(): Promise<Source[]> {
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const paths = await Array.fromAsync(glob('{src,bin,private}/**/*.ts', { cwd }))
  const sources = paths.map(async (path) => ({
    path: path.replaceAll('\\', '/'),
    text: await readFile(posix.join(cwd, path), 'utf8'),
  }))
  return Promise.all(sources)
}

test('imports point inward, and process and Cypher stay in their places', async (t) => {
  const sources = await realSources()
  const paths = sources.map(({ path }) => path)
  for (const path of ['src/error.ts', 'src/http/app.ts', 'bin/serve.ts', 'private/config.ts']) {
    t.true(paths.includes(path), path)
  }
  t.deepEqual(brokenRules(sources), [])
})

test('the imports of the real files are seen', async (t) => {
  const sources = await realSources()
  const seen = new Set(sources.flatMap(({ text }) => importsOf(text)))
  for (const name of Object.keys(homes)) t.true(seen.has(name), name)
  const statements = sources.flatMap(
    ({ text }) => text.match(/^(?:import|export) .*from '.*'$/gm) ?? [],
  )
  const found = sources.flatMap(({ text }) => importsOf(text))
  t.true(statements.length > 50 && found.length >= statements.length)
})

test('the files of private that are shipped are told from tools', async (t) => {
  const shipped = shippedOf(await realSources())
  t.true(shipped.has('private/config.ts'))
  t.false(shipped.has('private/neo4j.ts'))
})

// The checker itself

function broken(path: string, text: string): string[] {
  return brokenRules([{ path, text }])
}

const spellings = [
  (name: string) => `import a from '${name}'`,
  (name: string) => `import a from "${name}"`,
  (name: string) => `import '${name}'`,
  (name: string) => `import * as a from '${name}'`,
  (name: string) => `import type { A } from '${name}'`,
  (name: string) => `import { type A,\n  b,\n} from '${name}'`,
  (name: string) => `import a, { b }\n  from\n    '${name}'`,
  (name: string) => `import a from '${name}' with { type: 'json' }`,
  (name: string) => `import { a /* it's */ } from '${name}'`,
  (name: string) => `import{a}from'${name}'`,
  (name: string) => `export * from '${name}'`,
  (name: string) => `export { a } from '${name}'`,
  (name: string) => `export type { A } from '${name}'`,
  (name: string) => `const a = await import('${name}')`,
  (name: string) => `const a = import(\n  "${name}",\n)`,
  (name: string) => `type A = import('${name}').A`,
  (name: string) => `function f() {\n  return import ('${name}', { with: {} })\n}`,
  (name: string) => `// it's fine\nimport a from '${name}' // it's not`,
  (name: string) => `/** it's */\nexport function f() {}\nimport a from '${name}'`,
  (name: string) => `const s = 'x'\nimport a from '${name}'\nconst u = 'y'`,
]

test('every spelling of an import is seen', (t) => {
  for (const spell of spellings) {
    t.deepEqual(importsOf(spell('koa')), ['koa'], spell('koa'))
    t.deepEqual(broken('src/user.ts', spell('koa')), ['src/user.ts imports koa'], spell('koa'))
    t.deepEqual(broken('src/http/app.ts', spell('koa')), [], spell('koa'))
  }
})

test('several imports are all seen', (t) => {
  const text = "import a from 'koa'\nimport type { B } from './b.ts'\n\nexport * from 'bcrypt'\n"
  t.deepEqual(importsOf(`${text}const c = await import('node:fs')\n`), [
    'koa',
    './b.ts',
    'bcrypt',
    'node:fs',
  ])
})

test('what only speaks of an import is none', (t) => {
  const texts = [
    "// import a from 'koa'",
    "/**\n * import a from 'koa'\n */",
    '  // MATCH (n) RETURN n: process.env',
    'const url = import.meta.url',
    "const from = 'koa'",
    "const bytes = Buffer.from('koa')",
    "export const koa = 'koa'",
  ]
  for (const text of texts) t.deepEqual(broken('src/user.ts', text), [], text)
})

test('an import of a computed name is refused', (t) => {
  const texts = ['import(name)', 'import(`koa`)', "import('k' + 'oa')", "import(/* x */ 'koa')"]
  for (const text of texts) {
    t.deepEqual(broken('src/http/app.ts', text), ['src/http/app.ts imports a computed name'])
  }
  const required = ["require('koa')", "createRequire('x')"]
  for (const text of required)
    t.deepEqual(broken('src/user.ts', text), ['src/user.ts uses require'])
})

const allowed: [string, string][] = [
  ['src/user.ts', './error.ts'],
  ['src/user.ts', 'node:crypto'],
  ['src/token-text.ts', 'jsonwebtoken'],
  ['src/password.ts', 'bcrypt'],
  ['src/password.ts', '@zxcvbn-ts/language-common'],
  ['src/throttle.ts', 'rate-limiter-flexible'],
  ['src/service/login.ts', '../user.ts'],
  ['src/service/login.ts', './grant.ts'],
  ['src/graph/store.ts', './users.ts'],
  ['src/graph/store.ts', '../store.ts'],
  ['src/graph/neo4j.ts', 'neo4j-driver'],
  ['src/graph/embedded.ts', '@grafeo-db/js'],
  ['src/http/app.ts', '../auth.ts'],
  ['src/http/app.ts', './routes.ts'],
  ['src/http/app.ts', '@koa/router'],
  ['src/http/deep/page.ts', '../../auth.ts'],
  ['src/http/deep/page.ts', '../app.ts'],
  ['src/http/deep/page.ts', 'koa-bodyparser'],
  ['bin/serve.ts', '../src/http/app.ts'],
  ['bin/serve.ts', '../src/graph/store.ts'],
  ['bin/serve.ts', '../private/config.ts'],
  ['bin/serve.ts', 'pino'],
  ['bin/serve.ts', 'node:process'],
  ['private/neo4j.ts', 'neo4j-driver'],
  ['private/neo4j.ts', 'testcontainers'],
]

const forbidden: [string, string][] = [
  ['src/user.ts', './graph/store.ts'],
  ['src/user.ts', './service/login.ts'],
  ['src/user.ts', './http/app.ts'],
  ['src/user.ts', '../private/config.ts'],
  ['src/user.ts', '../bin/log.ts'],
  ['src/user.ts', '../test/support/world.ts'],
  ['src/user.ts', 'koa'],
  ['src/user.ts', 'pino'],
  ['src/user.ts', 'rate-limiter-flexible'],
  ['src/user.ts', 'fs'],
  ['src/user.ts', 'process'],
  ['src/user.ts', 'node:process'],
  ['src/user.ts', '#user'],
  ['src/user.ts', '/etc/user.ts'],
  ['src/user.ts', 'https://example.org/user.ts'],
  ['src/service/login.ts', '../graph/store.ts'],
  ['src/service/login.ts', '../http/app.ts'],
  ['src/service/login.ts', '.././graph/../graph/store.ts'],
  ['src/service/login.ts', 'koa'],
  ['src/service/login.ts', 'bcrypt'],
  ['src/service/login.ts', '../../private/config.ts'],
  ['src/graph/store.ts', '../service/login.ts'],
  ['src/graph/store.ts', '../http/app.ts'],
  ['src/graph/store.ts', 'neo4j-driver'],
  ['src/graph/store.ts', '@grafeo-db/js'],
  ['src/graph/neo4j.ts', '@grafeo-db/js'],
  ['src/graph/embedded.ts', 'neo4j-driver'],
  ['src/graph/embedded.ts', 'neo4j-driver/lib/core.js'],
  ['src/graph/deep/neo4j.ts', 'neo4j-driver'],
  ['src/http/app.ts', '../service/service.ts'],
  ['src/http/app.ts', '../graph/store.ts'],
  ['src/http/app.ts', '../../bin/log.ts'],
  ['src/http/app.ts', 'jsonwebtoken'],
  ['src/http/app.ts', 'neo4j-driver'],
  ['src/http/deep/page.ts', '../../graph/store.ts'],
  ['src/client/client.ts', '../service/login.ts'],
  ['bin/serve.ts', 'koa'],
  ['bin/serve.ts', '@koa/router'],
  ['bin/serve.ts', 'neo4j-driver'],
  ['bin/serve.ts', '@grafeo-db/js'],
  ['bin/serve.ts', 'jsonwebtoken'],
]

for (const [path, name] of allowed) {
  test(`${path} may import ${name}`, (t) => {
    t.deepEqual(broken(path, `import a from '${name}'`), [])
  })
}

for (const [path, name] of forbidden) {
  test(`${path} must not import ${name}`, (t) => {
    t.deepEqual(broken(path, `import a from '${name}'`), [`${path} imports ${name}`])
  })
}

test('process is used in bin and in tools, and nowhere else', (t) => {
  const uses = [
    'const port = process.env.PORT',
    'process.exit(1)',
    "process['env']",
    'process?.env',
    'const { env } = process',
    'run(process)',
    'run(1, process)',
    'globalThis.process.env',
  ]
  for (const text of uses) {
    t.deepEqual(broken('src/user.ts', text), ['src/user.ts uses process'], text)
    t.deepEqual(broken('src/http/app.ts', text), ['src/http/app.ts uses process'], text)
    t.deepEqual(broken('bin/serve.ts', text), [], text)
    t.deepEqual(broken('private/neo4j-java.ts', text), [], text)
  }
  t.deepEqual(broken('src/graph/embedded.ts', "const why = 'another process has it open'"), [])
  t.deepEqual(broken('src/graph/engine.ts', "import { spawn } from 'node:child_process'"), [])
})

test('a file of private that is shipped is no tool', (t) => {
  const bin = { path: 'bin/serve.ts', text: "import { a } from '../private/a.ts'" }
  const a = { path: 'private/a.ts', text: "import { b } from './b.ts'" }
  const b = { path: 'private/b.ts', text: "import neo4j from 'neo4j-driver'\nprocess.exit(1)" }
  t.deepEqual(brokenRules([bin, a, b]), [
    'private/b.ts imports neo4j-driver',
    'private/b.ts uses process',
  ])
  t.deepEqual(brokenRules([a, b]), [])
})

test('Cypher is under src/graph and nowhere else', (t) => {
  const texts = [
    "const q = 'MATCH (n) RETURN n'",
    'const q = `\n  MERGE (n:User {id: $id})`',
    'run("CREATE (n)")',
  ]
  for (const text of texts) {
    for (const path of ['src/store.ts', 'src/http/app.ts', 'bin/serve.ts', 'private/neo4j.ts']) {
      t.deepEqual(broken(path, text), [`${path} has Cypher`], text)
    }
    t.deepEqual(broken('src/graph/users.ts', text), [], text)
  }
})

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import manifest from '../package.json' with { type: 'json' }
import lock from '../package-lock.json' with { type: 'json' }
import { judge } from '../private/audit.ts'
import type { Bom } from '../private/sbom.ts'

interface Locked {
  version: string
  resolved?: string
  integrity?: string
  link?: boolean
  license?: string
  dev?: boolean
  optional?: boolean
  os?: string[]
  hasInstallScript?: boolean
  dependencies?: Record<string, string>
}

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = Object.entries(lock.packages as unknown as Record<string, Locked>).filter(
  ([path]) => path !== '',
)
const running = packages.filter(([, { dev }]) => !dev)

test('the lockfile names no registry host, no link, and no source but the registry', (t) => {
  t.true(packages.length > 100)
  for (const [path, { resolved, link, version }] of packages) {
    t.is(resolved, undefined, path)
    t.falsy(link, path)
    t.regex(version, /^\d+\.\d+\.\d+(?:-[\w.-]+)?$/, path)
  }
  t.false(/https?:\/\/(?:registry|[^"]*\/-\/)/.test(JSON.stringify(lock)))
  const all = { ...manifest.dependencies, ...manifest.devDependencies }
  for (const [name, range] of Object.entries(all)) t.regex(range, /^\^?\d+\.\d+\.\d+$/, name)
})

test('the lockfile pins each package by SHA-512, but for binaries of other platforms', (t) => {
  for (const [path, { integrity, optional, os }] of packages) {
    if (integrity === undefined) t.true(optional === true && os !== undefined, path)
    else t.regex(integrity, /^sha512-[A-Za-z0-9+/]{86}==$/, path)
  }
})

test('what runs with the service needs no install script', (t) => {
  const scripted = running.filter(([, { hasInstallScript }]) => hasInstallScript)
  const allowed: Record<string, boolean> = manifest.allowScripts
  for (const [path] of scripted) t.is(allowed[path.replace('node_modules/', '')], false, path)
})

test('what runs with the service is under a permissive licence', (t) => {
  const permissive = ['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0']
  for (const [path, { license, optional, os }] of running) {
    // The lockfile does not know the licence of what it could not look at.
    if (license === undefined) t.true(optional === true && os !== undefined, path)
    else t.true(permissive.includes(license), `${path}: ${license}`)
  }
})

test('docs/dependencies.md gives each runtime dependency, its licence and a reason', async (t) => {
  const text = await readFile(`${root}docs/dependencies.md`, 'utf8')
  const rows = [...text.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| (.+) \|$/gm)]
  t.deepEqual(
    rows.map(([, name]) => name),
    Object.keys(manifest.dependencies).toSorted(),
  )
  const named = new Map(packages)
  for (const [, name, license, brings, reason] of rows) {
    t.is(license, named.get(`node_modules/${name}`)?.license, name)
    t.true(String(reason).length > 10, name)
    if (/^\d+$/.test(String(brings))) t.is(Number(brings), broughtBy(String(name)), name)
  }
})

/** How many packages come with one, by way of its dependencies. */
function broughtBy(name: string): number {
  const named = new Map(packages)
  const seen = new Set<string>()
  function visit(path: string): void {
    if (seen.has(path)) return
    seen.add(path)
    for (const other of Object.keys(named.get(path)?.dependencies ?? {})) visit(homeOf(path, other))
  }
  function homeOf(path: string, other: string): string {
    for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
      const home = `${at && `${at}/`}node_modules/${other}`
      if (named.has(home)) return home
      if (at === '') throw new Error(`${other} of ${path} is not in the lockfile`)
    }
  }
  visit(`node_modules/${name}`)
  return seen.size - 1
}

test('npm run sbom lists what runs with the service and nothing else', async (t) => {
  const args = ['run', '--silent', 'sbom']
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root, maxBuffer: 2 ** 26 })
  const sbom = JSON.parse(stdout) as Bom
  t.is(sbom.bomFormat, 'CycloneDX')
  const expected = running.map(([path, { version }]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    return `pkg:npm/${name.replace('@', '%40')}@${version}`
  })
  const listed = sbom.components.map(({ purl }) => purl)
  t.deepEqual(listed.toSorted(), [...new Set(expected)].toSorted())
  const refs = new Set(sbom.components.map((component) => component['bom-ref']))
  for (const { dependsOn } of sbom.dependencies) for (const ref of dependsOn) t.true(refs.has(ref))
})

const report = (counts: object, vulnerabilities = {}) =>
  JSON.stringify({ vulnerabilities, metadata: { vulnerabilities: counts } })

test('the audit fails on what is high or critical', (t) => {
  const grave = report(
    { high: 1, critical: 1, total: 2 },
    {
      one: { severity: 'high' },
      two: { severity: 'critical' },
      three: { severity: 'low' },
    },
  )
  t.deepEqual(judge(grave), {
    reached: true,
    failed: true,
    line: 'audit: update or replace one (high), two (critical)',
  })
})

test('the audit passes on what is less, and says how much that is', (t) => {
  const slight = report({ low: 1, moderate: 2, high: 0, critical: 0, total: 3 })
  t.deepEqual(judge(slight), {
    reached: true,
    failed: false,
    line: 'audit: nothing high or critical of 3',
  })
})

test('an audit that could not be made says so and fails nothing', (t) => {
  for (const [output, why] of [
    ['{"message":"405 Method Not Allowed","error":{}}', '405 Method Not Allowed'],
    ['{"message":"request to https://registry failed"}', 'request to https://registry failed'],
    ['', 'npm said nothing'],
    ['not JSON', 'npm said nothing'],
  ] as const) {
    t.deepEqual(judge(output), {
      reached: false,
      failed: false,
      line: `audit: not reached (${why})`,
    })
  }
})

// A service of the compose file: its block, by indentation.
function serviceOf(compose: string, name: string): string {
  const [, block] = new RegExp(`^  ${name}:\\n((?: {4}.*\\n|\\n)*)`, 'm').exec(compose) ?? []
  if (block === undefined) throw new Error(`docker-compose.yml has no service ${name}`)
  return block.replaceAll(/^ *#.*\n/gm, '')
}

test('the image runs as nobody special, and Compose gives it no write and no capability', async (t) => {
  const compose = await readFile(`${root}docker-compose.yml`, 'utf8')
  const service = serviceOf(compose, 'sessiongraph')
  for (const line of [
    'read_only: true',
    'cap_drop: [ALL]',
    'security_opt: [no-new-privileges:true]',
    'tmpfs: [/tmp, /data]',
  ]) {
    t.true(service.includes(`\n    ${line}\n`), line)
  }
  t.false(/cap_add|privileged: true|user: root/.test(service))
  t.true(serviceOf(compose, 'neo4j').includes('no-new-privileges:true'))
  const dockerfile = await readFile(`${root}Dockerfile`, 'utf8')
  t.deepEqual(dockerfile.match(/^USER .*$/gm), ['USER node'])
  t.regex(dockerfile, /^RUN npm ci --omit=dev --ignore-scripts /m)
})

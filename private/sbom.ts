import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// `npm run --silent sbom`: what runs with the service as a CycloneDX document, from the lockfile, offline.

export interface Bom {
  bomFormat: string
  components: {
    'bom-ref': string
    purl: string
    properties?: { name: string; value: string }[]
  }[]
  dependencies: { ref: string; dependsOn: string[] }[]
}

const DEVELOPMENT = 'cdx:npm:package:development'

/**
 * The document without the packages of development. `npm sbom --omit=dev` would leave out whatever any
 * of those depends on, too, also where the service needs it.
 */
export function withoutDevelopment(bom: Bom): Bom {
  const components = bom.components.filter(
    ({ properties = [] }) => !properties.some(({ name }) => name === DEVELOPMENT),
  )
  const gone = new Set(bom.components.map((component) => component['bom-ref']))
  for (const component of components) gone.delete(component['bom-ref'])
  const dependencies = bom.dependencies
    .filter(({ ref }) => !gone.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => !gone.has(one)) }))
  return { ...bom, components, dependencies }
}

if (import.meta.main) {
  const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only']
  const { stdout, status } = spawnSync('npm', [...args, '--offline'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status === 0) console.log(JSON.stringify(withoutDevelopment(JSON.parse(stdout)), null, 2))
  process.exitCode = status ?? 1
}

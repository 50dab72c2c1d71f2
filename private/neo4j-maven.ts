import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Missing, Neo4j, Neo4jOptions } from './neo4j.ts'
import { startOnJava } from './neo4j-java.ts'

const VERSION = '5.26.30'
const OLDEST_JAVA = 17

const run = promisify(execFile)

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sessiongraph</groupId>
  <artifactId>neo4j-server</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    ${dependency('neo4j')}
    ${dependency('neo4j-bolt')}
  </dependencies>
</project>
`

/** Starts Neo4j from Maven Central's jars on the Java of JAVA_HOME or PATH. */
export async function startFromMaven(options: Neo4jOptions): Promise<Neo4j | Missing> {
  const { JAVA_HOME } = options.env
  const java = JAVA_HOME ? join(JAVA_HOME, 'bin', 'java') : 'java'
  const found = await javaVersion(java, options.env)
  if (found === undefined) return { missing: `Java ${OLDEST_JAVA} or newer is not installed` }
  if (found < OLDEST_JAVA) return { missing: `Java is ${found}, ${OLDEST_JAVA} or newer is needed` }
  const lib = join(options.cache, `lib-${VERSION}`)
  const failure = existsSync(lib) ? undefined : await download(lib, options)
  return failure ?? startOnJava(java, lib, options)
}

async function javaVersion(java: string, env: NodeJS.ProcessEnv): Promise<number | undefined> {
  try {
    const { stderr } = await run(java, ['-version'], { env })
    const [, major, minor] = stderr.match(/version "(\d+)(?:\.(\d+))?/) ?? []
    // Java 8 still called itself 1.8.
    return major === undefined ? undefined : Number(major === '1' ? minor : major)
  } catch {
    return undefined
  }
}

/** Fills `lib` whole or not at all, so that an interrupted download is never started from. */
async function download(lib: string, options: Neo4jOptions): Promise<Missing | undefined> {
  const { cache, env, signal, log } = options
  await mkdir(cache, { recursive: true })
  const part = await mkdtemp(`${lib}.part-`)
  try {
    await run('mvn', ['-version'], { env })
    log?.(`Downloading Neo4j ${VERSION} from Maven Central, once`)
    await writeFile(join(part, 'pom.xml'), POM)
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${join(part, 'lib')}`]
    await run('mvn', ['-q', '-B', '-f', join(part, 'pom.xml'), ...goal], {
      env,
      ...(signal && { signal }),
    })
    await rename(join(part, 'lib'), lib)
  } catch (error) {
    signal?.throwIfAborted()
    // Another start may have been quicker.
    if (!existsSync(lib)) return { missing: reasonOf(error) }
  } finally {
    await rm(part, { recursive: true, force: true })
  }
  return undefined
}

function reasonOf(error: unknown): string {
  const { code, stdout = '', message } = error as NodeJS.ErrnoException & { stdout?: string }
  if (code === 'ENOENT') return 'Maven is not installed'
  const said = /\[ERROR\] (.+)$/m.exec(stdout)?.[1] ?? message
  return `Maven could not download Neo4j ${VERSION} (${said.slice(0, 300)})`
}

function dependency(artifact: string): string {
  return `<dependency>
      <groupId>org.neo4j</groupId>
      <artifactId>${artifact}</artifactId>
      <version>${VERSION}</version>
    </dependency>`
}

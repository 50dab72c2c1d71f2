import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { StartedTestContainer } from 'testcontainers'
import type { Missing, Neo4j, Neo4jOptions } from './neo4j.ts'
import { START_TIMEOUT_MS, waitForBolt } from './neo4j-bolt.ts'

const IMAGE = 'neo4j:5.26-community'
const BOLT_PORT = 7687

const MEMORY = {
  NEO4J_server_memory_heap_initial__size: '512m',
  NEO4J_server_memory_heap_max__size: '768m',
  NEO4J_server_memory_pagecache_size: '128m',
}

/** Starts Neo4j in a container of the Docker engine that testcontainers finds (DOCKER_HOST first). */
export async function startInDocker(options: Neo4jOptions): Promise<Neo4j | Missing> {
  const { home, port, password, signal, log } = options
  // Loading testcontainers takes a third of a second, which a run against another server saves.
  const { GenericContainer, ImageName, getContainerRuntimeClient } = await import('testcontainers')
  // A DOCKER_HOST that swallows packets would hold the client for minutes.
  const engine = await Promise.race([
    getContainerRuntimeClient().catch(() => undefined),
    setTimeout(5_000, undefined, { ref: false }),
  ])
  if (!engine) return { missing: 'no Docker engine answers' }

  let output = ''
  const container = new GenericContainer(IMAGE)
    .withExposedPorts(port ? { container: BOLT_PORT, host: port } : BOLT_PORT)
    .withEnvironment({ ...MEMORY, NEO4J_AUTH: password ? `neo4j/${password}` : 'none' })
    .withLogConsumer((stream) => {
      stream.on('data', (chunk) => {
        output = (output + chunk).slice(-4_000)
      })
    })
    .withStartupTimeout(START_TIMEOUT_MS)
  if (home) {
    const data = join(home, 'data')
    await mkdir(data, { recursive: true })
    container.withBindMounts([{ source: data, target: '/data' }])
    // Files that another user owns could be neither removed here nor read by a server outside.
    const uid = process.getuid?.()
    if (uid) container.withUser(`${uid}:${process.getgid?.()}`)
  }

  let started: StartedTestContainer
  try {
    if (!(await engine.image.exists(ImageName.fromString(IMAGE)))) log?.(`Pulling ${IMAGE}, once`)
    started = await container.start()
  } catch (error) {
    signal?.throwIfAborted()
    const missing = `Docker cannot run ${IMAGE} (${firstLine(error)})`
    log?.(missing)
    return { missing }
  }

  let stopping: Promise<void> | undefined
  function stop(): Promise<void> {
    // Its data is safe within a second; for ten more it would wait for connections that are gone.
    stopping ??= started.stop({ timeout: home ? 5_000 : 0 }).then(() => undefined)
    return stopping
  }

  const inEngine = engine.container.getById(started.getId())
  async function send(name: NodeJS.Signals): Promise<void> {
    await inEngine.kill({ signal: name })
  }

  const gone = inEngine.wait()
  // A container that was removed meanwhile cannot be waited for, and is gone.
  const ended = gone.then(
    () => undefined,
    () => undefined,
  )

  const uri = `bolt://${started.getHost()}:${started.getMappedPort(BOLT_PORT)}`
  const address = { uri, username: 'neo4j', password: password ?? '' }
  try {
    const version = await waitForBolt(address, START_TIMEOUT_MS, signal)
    return { how: 'docker', ...address, version, ended, signal: send, stop }
  } catch (error) {
    await stop()
    signal?.throwIfAborted()
    const log = output.trimEnd().split('\n').slice(-10).join('\n')
    throw new Error(`Neo4j did not start: ${firstLine(error)}\n${log}`)
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? ''
}

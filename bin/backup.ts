import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Config } from '../private/config.ts'
import type { Archive } from '../src/cli/commands.ts'
import { AuthError } from '../src/error.ts'
import { writeBackup } from '../src/graph/backup.ts'
import { restoreBackup } from '../src/graph/restore.ts'
import { prepareSchema } from '../src/graph/schema.ts'
import { createStore } from '../src/graph/store.ts'
import { newId } from '../src/id.ts'
import type { Invalidated } from '../src/operator.ts'
import { invalidate } from '../src/service/invalidate.ts'
import { assembleTools } from './assemble.ts'
import { answers } from './connect.ts'
import { socketPath } from './socket.ts'

/** The backups of the embedded graph that the settings name. */
export function createArchive(readConfig: () => Config): Archive {
  return {
    async pack(copy, file, isReplacing) {
      try {
        return await writeBackup(copy, resolve(file), isReplacing)
      } finally {
        await rm(copy, { recursive: true, force: true })
      }
    },
    async restore(file) {
      const config = readConfig()
      const { dataDir, neo4jUri } = config
      if (neo4jUri !== '') {
        throw new AuthError('request_is_invalid', {
          detail:
            'Neo4j has its own: neo4j-admin database load, or restore. See docs/operations.md.',
        })
      }
      if (await answers(socketPath(dataDir))) {
        throw new AuthError('request_is_invalid', {
          detail: `A service runs on ${dataDir}: stop it, then restore again.`,
        })
      }
      let ended: Invalidated | undefined
      const replaced = await restoreBackup({
        file: resolve(file),
        directory: dataDir,
        now: Date.now(),
        async prepare(engine) {
          await prepareSchema(engine, newId)
          const tools = await assembleTools(config, createStore(engine))
          ended = await invalidate(tools, {}, 'restored')
        },
      })
      return { replaced, before: (ended as Invalidated).before }
    },
  }
}

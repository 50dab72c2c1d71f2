import type { Recorder } from './history.ts'
import type { Client } from './load/client.ts'
import type { Replica } from './replica.ts'
import { secretsBelow, secretsIn, secretsInFile } from './secrets.ts'

interface Searched {
  replicas: Replica[]
  clients: Client[]
  /** The folder that the graph keeps its files in. */
  folder: string
  recorder: Recorder
}

/** Searches the replicas' metrics, while they still run. */
export async function searchMetrics(clients: Client[], recorder: Recorder): Promise<void> {
  for (const client of clients) {
    const at = recorder.now()
    const text = await client.read('/metrics')
    const found = secretsIn(text)
    const where = `metrics of ${client.replica}`
    recorder.write({ kind: 'scan', where, at, end: recorder.now(), bytes: text.length, found })
  }
}

/** Searches what must never show a password, a token or a secret. */
export async function searchAll({ replicas, clients, folder, recorder }: Searched): Promise<void> {
  async function search(
    where: string,
    look: () => Promise<{ bytes: number; found: number }>,
  ): Promise<void> {
    const at = recorder.now()
    const { bytes, found } = await look()
    recorder.write({ kind: 'scan', where, at, end: recorder.now(), bytes, found })
  }

  for (const { name, log } of replicas) await search(`log of ${name}`, () => secretsInFile(log))
  for (const { replica, searched } of clients) {
    await search(`error bodies of ${replica}`, async () => searched)
  }
  await search('files of the graph', () => secretsBelow(folder))
}

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { openEmbedded } from '../../src/graph/embedded.ts'
import { mountDisk } from '../../survive/graph.ts'
import { temporaryFolder } from '../support/service-process.ts'

const MEGABYTE = 2 ** 20
const DISK_MEGABYTES = 24

test('a full disk refuses writes as unavailable, serves reads, and takes writes once there is room', async (t) => {
  const folder = await temporaryFolder(t)
  const disk = await mountDisk(folder, DISK_MEGABYTES)
  if (!disk) {
    t.log('left out: this user may not mount a tmpfs')
    t.pass()
    return
  }
  t.teardown(() => disk.unmount())
  const graph = await openEmbedded(join(folder, 'data'))
  t.teardown(() => graph.close())
  const add = (name: string) => graph.write('CREATE (:Thing {name: $name})', { name })
  await add('first')
  const filler = join(folder, 'filler')
  await fill(filler)
  // A byte at a time, until what is left of the last page is used up as well.
  const failure = await t.throwsAsync(async () => {
    for (let i = 0; i < 1_000; i += 1) await add('x'.repeat(1_000))
  })
  t.is((failure as Error & { code?: string }).code, 'service_unavailable')
  t.is(
    (await graph.read('MATCH (one:Thing {name: $name}) RETURN one', { name: 'first' })).length,
    1,
  )
  await rm(filler)
  await add('last')
  t.is((await graph.read('MATCH (one:Thing {name: $name}) RETURN one', { name: 'last' })).length, 1)
})

async function fill(file: string): Promise<void> {
  for (let bytes = MEGABYTE; bytes >= 512; ) {
    const chunk = Buffer.alloc(bytes)
    const isFull = await writeFile(file, chunk, { flag: 'a' }).then(
      () => false,
      () => true,
    )
    if (isFull) bytes /= 2
  }
}

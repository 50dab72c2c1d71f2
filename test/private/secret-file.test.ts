import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { isOpenToOthers, readSecretFile } from '../../private/secret-file.ts'

async function fileOf(t: ExecutionContext, mode: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'secret-file-test-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'secret')
  await writeFile(path, 'a secret\r\n')
  await chmod(path, mode)
  return path
}

const isRoot = userInfo().uid === 0

test('what others can read or write is open', async (t) => {
  for (const mode of [0o604, 0o602, 0o601, 0o644, 0o666, 0o660, 0o777]) {
    t.true(isOpenToOthers(await fileOf(t, mode)), mode.toString(8))
  }
})

test('what its owner alone can read is not', async (t) => {
  for (const mode of [0o600, 0o400, 0o700]) t.false(isOpenToOthers(await fileOf(t, mode)))
})

test("a group may read root's files and nobody else's", async (t) => {
  const path = await fileOf(t, 0o640)
  t.is(isOpenToOthers(path), !isRoot)
  if (!isRoot) return t.log('skipped: "nobody else\'s" needs root to give a file away')
  await chown(path, 1234, 1234)
  t.true(isOpenToOthers(path))
})

test('a secret ends before its newline', async (t) => {
  t.is(readSecretFile(await fileOf(t, 0o600)), 'a secret')
})

test('what a container engine mounts counts as closed', (t) => {
  t.false(isOpenToOthers('/run/secrets/keys'))
  t.throws(() => isOpenToOthers('/run/secrets/../nowhere/keys'), { code: 'ENOENT' })
})

import { execFileSync } from 'node:child_process'
import {
  chmod,
  lstat,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { keyFileAt, readKeyFile } from '../../private/key-file.ts'
import { KeySetError } from '../../src/key-set.ts'
import { keyJwk, keySetText } from '../support/keys.ts'

const TEXT = keySetText(keyJwk('HS256', 'one'))
const OTHER = keySetText(keyJwk('HS256', 'two'))

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'key-file-test-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return folder
}

async function fileOf(t: ExecutionContext, text = TEXT, mode = 0o600): Promise<string> {
  const path = join(await folderOf(t), 'keys.json')
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}

function refused(t: ExecutionContext, path: string, mistake: string): void {
  const error = t.throws(() => readKeyFile(path), { instanceOf: KeySetError })
  t.deepEqual(error?.mistakes, [`JWT_KEYS_FILE: ${mistake}`])
}

test('a key file is for its owner alone', async (t) => {
  for (const mode of [0o600, 0o400]) {
    t.is(readKeyFile(await fileOf(t, TEXT, mode)).keys[0]?.kid, 'one')
  }
  for (const mode of [0o604, 0o620, 0o602, 0o644, 0o660, 0o610, 0o601, 0o666, 0o777]) {
    const path = await fileOf(t, TEXT, mode)
    refused(t, path, 'must name a file that only its owner can read: chmod 600')
  }
})

test('what is no file, or is not there, is told', async (t) => {
  const folder = await folderOf(t)
  refused(t, join(folder, 'none'), 'must name a file that can be read (ENOENT)')
  refused(t, folder, 'must name a file')
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', ['-m', '600', pipe])
  refused(t, pipe, 'must name a file')
})

test('without a path the setting is asked for', async (t) => {
  const keys = keyFileAt('')
  const expected = { instanceOf: KeySetError, message: /^JWT_KEYS_FILE must name/ }
  t.throws(() => keys.read(), expected)
  await t.throwsAsync(async () => keys.create(TEXT), expected)
  await t.throwsAsync(async () => keys.edit(() => TEXT), expected)
})

test('a new file has mode 0600, whatever the mask, and is not written over', async (t) => {
  const folder = await folderOf(t)
  const path = join(folder, 'keys.json')
  const keys = keyFileAt(path)
  t.is((await keys.create(TEXT)).keys[0]?.kid, 'one')
  t.is((await stat(path)).mode & 0o777, 0o600)
  await t.throwsAsync(() => keys.create(OTHER), { instanceOf: KeySetError, message: /not overwr/ })
  t.is(await readFile(path, 'utf8'), TEXT)
  t.deepEqual(await readdir(folder), ['keys.json'])
  await t.throwsAsync(() => keyFileAt(join(folder, 'none', 'keys.json')).create(TEXT), {
    instanceOf: KeySetError,
    message: /ENOENT/,
  })
})

test('an edit puts a new file of mode 0600 in the place of the old one', async (t) => {
  const path = await fileOf(t, TEXT, 0o400)
  const { ino } = await stat(path)
  const edited = await keyFileAt(path).edit((text) => {
    t.is(text, TEXT)
    return OTHER
  })
  t.is(edited.keys[0]?.kid, 'two')
  const after = await stat(path)
  t.not(after.ino, ino)
  t.is(after.mode & 0o777, 0o600)
  t.is(await readFile(path, 'utf8'), OTHER)
  t.deepEqual(await readdir(join(path, '..')), ['keys.json'])
})

test('an edit that fails leaves the file as it was and nothing beside it', async (t) => {
  const path = await fileOf(t)
  const failing = [
    () => {
      throw new KeySetError(['no'])
    },
    () => {
      throw new Error('no')
    },
  ]
  for (const change of failing) {
    await t.throwsAsync(() => keyFileAt(path).edit(change), { message: /no$/ })
    t.is(await readFile(path, 'utf8'), TEXT)
    t.deepEqual(await readdir(join(path, '..')), ['keys.json'])
  }
})

test('a file that others can read is not edited', async (t) => {
  const path = await fileOf(t, TEXT, 0o644)
  await t.throwsAsync(() => keyFileAt(path).edit(() => OTHER), { message: /chmod 600/ })
  t.is(await readFile(path, 'utf8'), TEXT)
})

test('of editors at the same time one edits and the others are told', async (t) => {
  const path = await fileOf(t)
  const edits = Array.from({ length: 5 }, () => keyFileAt(path).edit(() => OTHER))
  const outcomes = await Promise.allSettled(edits)
  t.true(outcomes.some(({ status }) => status === 'fulfilled'))
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') t.regex(outcome.reason.message, /another command edits/)
  }
  t.is(await readFile(path, 'utf8'), OTHER)
  await writeFile(`${path}.new`, '')
  await t.throwsAsync(() => keyFileAt(path).edit(() => TEXT), {
    message: /keys\.json\.new is there/,
  })
  t.is(await readFile(path, 'utf8'), OTHER)
  t.deepEqual((await readdir(join(path, '..'))).toSorted(), ['keys.json', 'keys.json.new'])
})

test('an edit goes through a link, which stays one', async (t) => {
  const path = await fileOf(t)
  const link = join(await folderOf(t), 'link')
  await symlink(path, link)
  await keyFileAt(link).edit(() => OTHER)
  t.true((await lstat(link)).isSymbolicLink())
  t.is(await readFile(path, 'utf8'), OTHER)
})

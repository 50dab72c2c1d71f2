import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Invariant } from '../../../survive/check/joined.ts'
import type { Plan } from '../../../survive/plan.ts'

/** A text of a file of the service, and what it is replaced by. */
export interface Patch {
  file: string
  from: string
  to: string
}

/** The service with one defect, and the campaign that must show it. */
export interface Build {
  name: string
  /** What is wrong with it. */
  about: string
  patches: Patch[]
  /** Of these at least one must be violated. */
  caughtBy: Invariant[]
  /** What differs from the campaign that all builds share. */
  plan: Partial<Plan> & Pick<Plan, 'engine'>
}

/** A copy of the checkout with the defect in it; throws when a patch does not apply exactly once. */
export async function makeBuild(
  root: string,
  { name, patches }: Pick<Build, 'name' | 'patches'>,
): Promise<{ root: string; remove(): Promise<void> }> {
  const copy = await mkdtemp(join(tmpdir(), 'sessiongraph-broken-'))
  const remove = () => rm(copy, { recursive: true, force: true })
  try {
    for (const part of ['src', 'bin', 'private', 'package.json']) {
      await cp(join(root, part), join(copy, part), { recursive: true })
    }
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    for (const { file, from, to } of patches) {
      const path = join(copy, file)
      const parts = (await readFile(path, 'utf8')).split(from)
      if (parts.length !== 2) {
        throw new Error(
          `the broken build "${name}" no longer applies to ${file}: write its patch anew`,
        )
      }
      await writeFile(path, parts.join(to))
    }
  } catch (error) {
    await remove()
    throw error
  }
  return { root: copy, remove }
}

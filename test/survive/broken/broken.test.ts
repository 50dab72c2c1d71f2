import test from 'ava'
import { requestOf } from '../../../survive/plan.ts'
import { root } from '../../support/service-process.ts'
import { makeBuild } from './build.ts'
import { builds } from './builds.ts'

for (const build of builds) {
  test(`the broken build ${build.name} can be made from today's source`, async (t) => {
    const { remove } = await makeBuild(root, build)
    await remove()
    t.pass()
  })
}

test('a patch that does not apply is said, with what to do', async (t) => {
  const patches = [{ file: 'src/error.ts', from: 'nothing like this is there', to: '' }]
  await t.throwsAsync(makeBuild(root, { name: 'old', patches }), {
    message: 'the broken build "old" no longer applies to src/error.ts: write its patch anew',
  })
})

test('the command line is read, and what is wrong with it is said', (t) => {
  const drawn = () => 5
  t.like(requestOf([], drawn), { length: 'full', engines: ['embedded', 'neo4j'], seed: 5 })
  t.is(requestOf(['quick'], drawn).seed, requestOf(['quick'], () => 6).seed)
  t.like(requestOf(['--engine', 'neo4j', '--seed', '9', '--faults', 'cut,delay'], drawn), {
    engines: ['neo4j'],
    seed: 9,
    faults: ['cut', 'delay'],
  })
  t.deepEqual(requestOf(['broken', 'by-text'], drawn).builds, ['by-text'])
  t.throws(() => requestOf(['slow'], drawn), { message: 'there is no "slow"' })
  t.throws(() => requestOf(['--engine', 'redis'], drawn), { message: /neo4j or embedded/ })
  t.throws(() => requestOf(['--minutes', '0'], drawn), { message: /--minutes must be a number/ })
  t.throws(() => requestOf(['--faults', 'cut,fire'], drawn), {
    message: 'no fault is called "fire"',
  })
})

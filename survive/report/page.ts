import type { Surroundings } from '../../bench/machine.ts'
import { builds } from '../../test/survive/broken/builds.ts'
import type { EngineResult, Results } from '../results.ts'
import type { Soaked } from '../soak.ts'
import { megabytes, number, time } from './text.ts'

const RECOVERY_MS = 5_000
const EMBEDDED_START_MS = 2_000
const ANSWER_MS = 3_000

/** The page of a full run, in Markdown. */
export function pageOf({ date, minutes, results, soaked }: Results, machine: Surroundings): string {
  const violations = results.reduce((sum, { figures }) => sum + figures.violations, 0)
  const { cpus, cpuModel, memoryGb, system, node, neo4j, embedded } = machine
  return `# Survival

Made by \`npm run survive\` on ${date.slice(0, 10)} in ${minutes.toFixed(0)} minutes; do not edit. ${violations === 0 ? 'No invariant was violated, and nothing that had been acknowledged was lost.' : `**${violations} violations.**`}

- ${cpus} × ${cpuModel}, ${memoryGb} GB, ${system}; Node ${node}, ${neo4j}, ${embedded}. Services, graph, load and faults share the
  cores.
- The load is drawn by a seed: clients that verify, refresh, log in, end, register and change passwords, several tokens of one
  session at once, races on purpose, and looks at everything that was ended once every replica must know of it.
- Faults are drawn by the same seed and happen to real processes, the network in between, the clock and the disk.
- Each request is one line of a history: what was asked, when, of whom, what was answered and when. A checker that knows
  nothing of the code decides from that alone. A cut connection or a 503 means that it may have happened. What the record cannot show: that a
  queue is bounded is seen by the answer times and the open files, and I12 by a search of logs, error bodies, metrics and
  the graph's files for the texts that the campaign has made.

## Figures

| | ${results.map(({ figures }) => figures.engine).join(' | ')} |
|---|${results.map(() => '---|').join('')}
${rows(results)}

- Recovery is counted from when Bolt answers again until each replica has done something in the graph; to reach: ${time(RECOVERY_MS)}.
- Start to ready is counted where the graph was there; to reach on the embedded graph: ${time(EMBEDDED_START_MS)}.
- Every request is to be answered or cut within ${time(ANSWER_MS)}; what a stopped process, or a machine without a free core, held up is
  recorded and taken off before that is judged.
- Memory over ${number(soaked.requests)} requests to one process on the embedded graph: ${megabytes(soaked.samples[0]?.bytes ?? 0)} at the
  beginning, ${megabytes(soaked.samples.at(-1)?.bytes ?? 0)} at the end; slope of the second half ${slope(soaked)} for 1,000,000 requests.

${results.map(section).join('\n\n')}

## What the checker can see

Each of these builds of the service has one defect, and \`npm run survive -- broken\` shows that a campaign catches it. A
build that is not caught fails that command.

| build | defect | caught by |
|---|---|---|
${builds.map(({ name, about, caughtBy }) => `| ${name} | ${about} | ${caughtBy.join(' or ')} |`).join('\n')}
`
}

function slope({ bytesPerMillion }: Soaked): string {
  return `${(bytesPerMillion / 2 ** 20).toFixed(1)} MB`
}

function rows(results: readonly EngineResult[]): string {
  type Figure = [string, (result: EngineResult) => string]
  const figures: Figure[] = [
    ['seed', ({ figures }) => String(figures.seed)],
    ['operations checked', ({ figures }) => number(figures.operations)],
    ['in', ({ figures }) => time(figures.seconds * 1000)],
    ['faults', ({ figures }) => number(figures.faults.reduce((sum, { count }) => sum + count, 0))],
    ['violations', ({ figures }) => String(figures.violations)],
    ['lost', ({ figures }) => (figures.lost === 0 ? 'nothing' : String(figures.lost))],
    ['p99 of all answers', ({ figures }) => time(figures.p99AnswerMs)],
    ['worst answer', ({ figures }) => time(figures.worstAnswerMs)],
    [
      'recovery after Bolt answers, worst',
      ({ figures }) => judged(figures.worstRecoveryMs, RECOVERY_MS),
    ],
    [
      'start to ready, worst',
      ({ figures: { engine, worstStartMs, starts } }) => {
        const most = engine === 'embedded' ? EMBEDDED_START_MS : Number.POSITIVE_INFINITY
        return `${judged(worstStartMs, most)}, of ${starts}`
      },
    ],
    ['memory, most', ({ figures }) => megabytes(figures.mostBytes)],
    ['open files, most', ({ figures }) => String(figures.mostFiles)],
  ]
  return figures
    .map(([name, tell]) => `| ${[name, ...results.map((result) => tell(result))].join(' | ')} |`)
    .join('\n')
}

function judged(ms: number | undefined, most: number): string {
  return `${time(ms)}${ms !== undefined && ms > most ? ' (falls short)' : ''}`
}

function section({ plan, figures, skipped, server }: EngineResult): string {
  const verbs = Object.entries(figures.byVerb).map(([verb, count]) => `${number(count)} ${verb}`)
  const statuses = Object.entries(figures.byStatus).map(
    ([name, count]) => `${number(count)} × ${name}`,
  )
  const faults = figures.faults
    .toSorted((a, b) => b.longestMs - a.longestMs)
    .map(({ fault, count, longestMs }) => `| ${fault} | ${count} | ${time(longestMs)} |`)
  return `## On ${server}

\`${figures.command}\`

![Answers and faults](survival/${plan.engine}.svg)

- ${verbs.join(', ')}
- ${statuses.join(', ')}
${skipped.map((line) => `- skipped: ${line}\n`).join('')}
| fault | times | longest time without a write at a replica concerned |
|---|---|---|
${faults.join('\n')}`
}

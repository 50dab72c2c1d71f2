import type { Results } from '../results.ts'
import { number, spread, verdict } from './text.ts'

/** The page of a full run, in Markdown. */
export function pageOf({ date, minutes, surroundings, parts, failures }: Results): string {
  const { cpus, cpuModel, memoryGb, system, node, neo4j, embedded, redis, load } = surroundings
  const figures = parts.flatMap((part) => part.figures)
  const short = figures.filter(({ target }) => target && !target.reached).length
  const intro = `# Performance

Made by \`npm run bench\` on ${date.slice(0, 10)} in ${number(minutes)} minutes; do not edit. The same figures, round by round, are
in \`bench/results.json\`. ${short === 0 ? 'Every target is reached.' : `${short} of ${figures.filter(({ target }) => target).length} targets are not reached: their rows say "falls short".`}

- ${cpus} × ${cpuModel}, ${memoryGb} GB, ${system}; Node ${node}, ${neo4j}, ${embedded}, Redis ${redis}.
- Load on GET /auth: ${load}; 32 connections, a warm-up before each round. Whatever goes at a rate or sends each token
  once comes from the harness's own driver (\`bench/load/driver.ts\`).
- Server, database and load share the cores, over loopback. What is compared was started in the same run on the same
  machine and measured in turn (A B A B ...), never two at a time. A figure is the median of its rounds with (min..max);
  a ratio is taken round by round. A round with an error fails its part.
- The service runs with LOG_LEVEL=warn, and with BCRYPT_COST=4 where log-ins are only preparation.
`
  const header = `| measured | sessiongraph | against | ratio | to reach | |
|---|---|---|---|---|---|`
  const rows = figures.map((figure) => {
    const { name, unit, ours, against, ratio, target } = figure
    const other = against ? `${against.name}: ${spread(against.spread)}` : ''
    const cells = [`${spread(ours)} ${unit}`, other, ratio ? spread(ratio) : '', target?.text ?? '']
    return `| ${[name, ...cells, verdict(figure)].join(' | ')} |`
  })
  const sections = parts.map(({ name, title, charts, notes }) => {
    const images = charts.map((chart, i) => `![${chart.title}](performance/${name}-${i + 1}.svg)\n`)
    return [`## ${title}\n`, ...images, ...notes.map((note) => `- ${note}`)].join('\n')
  })
  const failed = failures.map(({ name, reason }) => `- **${name}** failed: ${reason}`)
  return `${[intro, header, ...rows, '', ...failed, '', sections.join('\n\n')].join('\n')}\n`
}

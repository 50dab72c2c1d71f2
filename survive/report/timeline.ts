import type { Campaign, Fault, Line, Operation } from '../history.ts'

const WIDTH = 1_000
const LEFT = 110
const RIGHT = 20
const PLOT = WIDTH - LEFT - RIGHT
const TOP = 50
const HEIGHT = 130
const ROW = 18
/** Columns of the picture: answers are counted by each. */
const COLUMNS = 220

const COLOURS = { served: '#2b6cb0', refused: '#a0aec0', unavailable: '#dd6b20', cut: '#c53030' }

type Outcome = keyof typeof COLOURS

const LEGEND: Record<Outcome, string> = {
  served: 'done',
  refused: 'refused (4xx)',
  unavailable: '503',
  cut: 'cut',
}

/** A picture of one campaign as SVG: answers a second by replica, worst answers, and faults below. */
export function timelineSvg(lines: readonly Line[]): string {
  const campaign = lines[0] as Campaign
  const operations = lines.filter((line): line is Operation => line.kind === 'op')
  const faults = lines.filter((line): line is Fault => line.kind === 'fault')
  const end = Math.max(1, ...operations.slice(-1_000).map((op) => op.end))
  const x = (ms: number) => LEFT + (Math.min(ms, end) / end) * PLOT
  let y = TOP
  const parts: string[] = []
  for (const replica of campaign.replicas) {
    const own = operations.filter((op) => op.replica === replica)
    parts.push(answersBy(own, replica, end, y))
    y += HEIGHT + 30
  }
  const kinds = [...new Set(faults.map(({ fault }) => fault))].sort()
  for (const kind of kinds) {
    const bars = faults.filter(({ fault }) => fault === kind).map((fault) => faultBar(fault, x, y))
    parts.push(
      `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${kind}</text>${bars.join('')}`,
    )
    y += ROW
  }
  parts.push(axis(end, x, y + 6))
  const title = `${campaign.engine}, seed ${campaign.seed}: answers a second, and faults`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 34}" width="${WIDTH}" height="${y + 34}" role="img" aria-label="${title}" font-family="system-ui, sans-serif" font-size="11" fill="#1a202c">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="12" y="22" font-size="15" font-weight="600">${title}</text>
${legend()}
${parts.join('\n')}
</svg>
`
}

/** Columns of answers, stacked by what they were, and a line for the slowest of each column. */
function answersBy(operations: Operation[], replica: string, end: number, top: number): string {
  const width = PLOT / COLUMNS
  const columns = Array.from({ length: COLUMNS }, () => ({
    served: 0,
    refused: 0,
    unavailable: 0,
    cut: 0,
    slowest: 0,
  }))
  for (const op of operations) {
    const column = columns[Math.min(COLUMNS - 1, Math.floor((op.end / end) * COLUMNS))]
    if (!column) continue
    column[outcomeOf(op)] += 1
    column.slowest = Math.max(column.slowest, op.end - op.at)
  }
  const sums = columns.map(
    ({ served, refused, unavailable, cut }) => served + refused + unavailable + cut,
  )
  const most = Math.max(1, ...sums)
  const rates = (most * COLUMNS * 1000) / end
  const slowest = Math.max(1, ...columns.map((column) => column.slowest))
  const bottom = top + HEIGHT
  // One path a colour: thousands of rectangles would make the file large.
  const bars = (Object.keys(COLOURS) as Outcome[]).map((outcome, place, all) => {
    const strokes = columns.flatMap((column, i) => {
      if (column[outcome] === 0) return []
      const below = all.slice(0, place).reduce((sum, name) => sum + column[name], 0)
      const from = bottom - (below / most) * HEIGHT
      const height = (column[outcome] / most) * HEIGHT
      return [`M${(LEFT + (i + 0.5) * width).toFixed(1)} ${from.toFixed(1)}v-${height.toFixed(1)}`]
    })
    return `<path d="${strokes.join('')}" stroke="${COLOURS[outcome]}" stroke-width="${width.toFixed(2)}"/>`
  })
  const line = columns.map((column, i) => {
    const at = bottom - (column.slowest / slowest) * HEIGHT
    return `${i === 0 ? 'M' : 'L'}${(LEFT + (i + 0.5) * width).toFixed(1)} ${at.toFixed(1)}`
  })
  return [
    `<text x="${LEFT - 8}" y="${top + 14}" text-anchor="end">replica ${replica}</text>`,
    `<text x="${LEFT - 8}" y="${top + 30}" text-anchor="end" fill="#4a5568">${Math.round(rates)}/s</text>`,
    `<text x="${LEFT - 8}" y="${top + 46}" text-anchor="end" fill="#805ad5">${(slowest / 1000).toFixed(1)} s</text>`,
    ...bars,
    `<path d="${line.join('')}" fill="none" stroke="#805ad5" stroke-width="0.8"/>`,
    `<path d="M${LEFT} ${bottom}h${PLOT}" stroke="#1a202c" stroke-width="0.5"/>`,
  ].join('\n')
}

function outcomeOf({ status }: Operation): Outcome {
  if (status === null) return 'cut'
  if (status >= 500) return 'unavailable'
  return status >= 400 ? 'refused' : 'served'
}

function faultBar({ at, end, back, target }: Fault, x: (ms: number) => number, y: number): string {
  const width = Math.max(2, x(end) - x(at))
  const bar = `<rect x="${x(at).toFixed(1)}" y="${y + 3}" width="${width.toFixed(1)}" height="11" fill="#4a5568"><title>${target}</title></rect>`
  if (back === undefined) return bar
  const more = `<rect x="${x(end).toFixed(1)}" y="${y + 3}" width="${(x(back) - x(end)).toFixed(1)}" height="11" fill="#cbd5e0"/>`
  return bar + more
}

function legend(): string {
  const entries = (Object.keys(COLOURS) as Outcome[]).map((outcome, i) => {
    const x = LEFT + i * 110
    return `<rect x="${x}" y="32" width="10" height="10" fill="${COLOURS[outcome]}"/><text x="${x + 15}" y="41">${LEGEND[outcome]}</text>`
  })
  const x = LEFT + entries.length * 110
  const line = `<path d="M${x} 37h12" stroke="#805ad5"/><text x="${x + 17}" y="41">slowest answer</text>`
  return [...entries, line].join('')
}

function axis(end: number, x: (ms: number) => number, y: number): string {
  const steps = [5, 10, 30, 60, 120, 300, 600]
  const step = (steps.find((seconds) => end / 1000 / seconds <= 12) ?? 1_200) * 1000
  const ticks: string[] = []
  for (let ms = 0; ms <= end; ms += step) {
    ticks.push(
      `<path d="M${x(ms).toFixed(1)} ${y}v4" stroke="#1a202c"/><text x="${x(ms).toFixed(1)}" y="${y + 16}" text-anchor="middle">${ms / 1000} s</text>`,
    )
  }
  return `<path d="M${LEFT} ${y}h${PLOT}" stroke="#1a202c" stroke-width="0.5"/>${ticks.join('')}`
}

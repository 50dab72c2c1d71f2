import type { Chart } from '../part.ts'
import { number } from './text.ts'

const WIDTH = 700
const LEFT = 240
const RIGHT = 130
const ROW = 34
const TOP = 44

/** A chart of bars as SVG: the median as the bar, the rounds' spread as a line across its end. */
export function chartSvg({ title, unit, bars }: Chart): string {
  const most = Math.max(...bars.map(({ spread }) => spread.max)) || 1
  const scale = (value: number) => (value / most) * (WIDTH - LEFT - RIGHT)
  const height = TOP + bars.length * ROW + 14
  const rows = bars.map(({ name, spread, own }, i) => {
    const y = TOP + i * ROW
    const [length, from, to] = [spread.median, spread.min, spread.max].map(scale) as [
      number,
      number,
      number,
    ]
    const x = (value: number) => (LEFT + value).toFixed(1)
    return [
      `<text x="${LEFT - 8}" y="${y + 17}" text-anchor="end">${inXml(name)}</text>`,
      `<rect x="${LEFT}" y="${y + 2}" width="${length.toFixed(1)}" height="20" fill="${own ? '#2b6cb0' : '#a0aec0'}"/>`,
      `<path d="M${x(from)} ${y + 12}H${x(to)}M${x(from)} ${y + 7}v10M${x(to)} ${y + 7}v10" stroke="#1a202c"/>`,
      `<text x="${x(Math.max(length, to) + 8)}" y="${y + 17}">${number(spread.median)} ${inXml(unit)}</text>`,
    ].join('\n')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${inXml(title)}" font-family="system-ui, sans-serif" font-size="13" fill="#1a202c">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="12" y="24" font-size="15" font-weight="600">${inXml(title)}</text>
${rows.join('\n')}
</svg>
`
}

function inXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

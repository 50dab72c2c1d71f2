import test from 'ava'
import { check } from '../../survive/check/check.ts'
import type { Line, Operation } from '../../survive/history.ts'
import { figuresOf } from '../../survive/report/figures.ts'
import { timelineSvg } from '../../survive/report/timeline.ts'

function refresh(at: number, more: Partial<Operation> = {}): Operation {
  const base = { kind: 'op', verb: 'refresh', worker: 1, replica: 'a', user: 'ann', at } as const
  return { ...base, end: at + 10, status: 200, session: 's', token: `t${at}`, ...more }
}

const lines: Line[] = [
  {
    kind: 'campaign',
    engine: 'neo4j',
    seed: 1,
    command: 'npm run survive -- --seed 1',
    date: '2026-01-01T00:00:00.000Z',
    replicas: ['a'],
    stalenessMs: 1_000,
    graceMs: 2_000,
    answerMs: 3_000,
  },
  { kind: 'start', replica: 'a', at: 0, end: 700 },
  refresh(1_000),
  refresh(2_000),
  refresh(3_000, { end: 5_600, status: 503 }),
  refresh(8_000),
  refresh(9_000),
  {
    kind: 'fault',
    fault: 'kill-graph',
    target: 'graph',
    severed: ['a'],
    graphDown: true,
    at: 2_500,
    end: 4_000,
    back: 7_000,
  },
]

test('figures tell how long nothing was served, and how soon it was after Bolt answered', (t) => {
  const figures = figuresOf(lines, check(lines))
  t.like(figures, {
    operations: 5,
    writes: 4,
    byStatus: { 200: 4, 503: 1 },
    faults: [{ fault: 'kill-graph', count: 1, longestMs: 6_000 }],
    worstAnswerMs: 2_600,
    worstRecoveryMs: 1_010,
    worstStartMs: 700,
    lost: 0,
  })
})

test('what never comes back is told as long as it was seen', (t) => {
  const cutShort = [...lines.slice(0, 5), ...lines.slice(-1)]
  t.is(figuresOf(cutShort, []).faults[0]?.longestMs, 5_600 - 2_010)
})

test('the picture is whole XML with a bar for each fault', (t) => {
  const svg = timelineSvg(lines)
  t.regex(svg, /^<svg [^>]+>[\s\S]+<\/svg>\n$/)
  t.is(svg.split('<title>graph</title>').length, 2)
  t.false(svg.includes('NaN'))
})

import type { Parameters } from './engine.ts'

const MOST = 100

/** Remembers which statements there are, without their values, to have them planned before they run. */
export interface WarmUp {
  note(statement: string, parameters: Parameters): void
  /** Plans all that were noted, one after the other, but begins none after an instant (monotonic ms). */
  plan(
    explain: (statement: string, parameters: Parameters) => Promise<unknown>,
    until: number,
  ): Promise<void>
}

export function createWarmUp(): WarmUp {
  const noted = new Map<string, Parameters>()
  return {
    note(statement, parameters) {
      if (noted.has(statement) || noted.size >= MOST) return
      noted.set(statement, blank(parameters) as Parameters)
    },
    async plan(explain, until) {
      for (const [statement, parameters] of noted) {
        if (performance.now() > until) return
        await explain(`EXPLAIN ${statement}`, parameters)
      }
    },
  }
}

// A plan goes by the types of the parameters; what they say is nobody's business.
function blank(value: unknown): unknown {
  if (typeof value === 'string') return ''
  if (typeof value === 'number') return 0
  if (Array.isArray(value)) return value.map(blank)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, blank(part)]))
}

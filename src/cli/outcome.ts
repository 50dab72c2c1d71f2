import { facts, table } from './print.ts'

/** What a command has to say: for people, for programs (--json), and as its exit code. */
export interface Outcome {
  text: string
  json: unknown
  exitCode: number
}

export const DONE = { text: 'Success', json: { message: 'Success' }, exitCode: 0 }

/** Facts, of which programs may get others than people. */
export function told(shown: object, json: object): Outcome {
  return { text: facts(shown), json, exitCode: 0 }
}

/** A list; `none` is what people read where it is empty. */
export function listed(
  rows: Record<string, string | number>[],
  none: string,
  json: object,
): Outcome {
  return { text: table(rows, none), json, exitCode: 0 }
}

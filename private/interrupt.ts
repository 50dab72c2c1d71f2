import { constants } from 'node:os'

const NAMES = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What ends a command from outside: Ctrl-C, a kill, a terminal that is closed. */
export type Interrupt = (typeof NAMES)[number]

/**
 * Calls back once, at the first interrupt. Another one, more than a second later, ends the process
 * at once: whoever sends it has waited long enough.
 */
export function onInterrupt(react: (name: Interrupt) => void): void {
  let first: number | undefined
  for (const name of NAMES) {
    process.on(name, () => {
      if (first === undefined) {
        first = performance.now()
        react(name)
      } else if (performance.now() - first > 1_000) {
        // Sooner, it is npm handing on the Ctrl-C that the terminal has sent here already.
        process.exit(exitCodeOf(name))
      }
    })
  }
}

/** The exit code that shells give to a process ended by the signal. */
export function exitCodeOf(name: Interrupt): number {
  return 128 + constants.signals[name]
}

/** Tells how far a run is. */
export interface Progress {
  /** What is being done now: one line that changes on a terminal, otherwise nothing. */
  say(text: string): void
  /** A line that stays. */
  print(text: string): void
}

export function createProgress(output: NodeJS.WriteStream): Progress {
  const begun = performance.now()
  let part = ''
  function clear(): void {
    if (output.isTTY) output.write('\r\u001b[K')
  }
  return {
    say(text) {
      const seconds = Math.round((performance.now() - begun) / 1000)
      part = `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')} ${text}`
      clear()
      if (output.isTTY) output.write(part.slice(0, (output.columns ?? 80) - 1))
      else output.write(`${part}\n`)
    },
    print(text) {
      clear()
      output.write(`${text}\n`)
    },
  }
}

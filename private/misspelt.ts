// Names as short as HOST and PORT are near to too many of other programs (PORTS, POST).
const SHORTEST = 6
const LONG = 10

/**
 * The names that were likely meant to be one of those known: one slip away (a letter too much, too few,
 * another, or two swapped), or two where the known one is long and begins alike: SSL_CERT_FILE, which many
 * machines set, is no TLS_CERT_FILE. What is further off is somebody else's.
 */
export function misspelt(given: string[], known: string[]): { given: string; meant: string }[] {
  const names = new Set(known)
  const others = given.filter((name) => !names.has(name))
  return others.flatMap((name) => {
    const near = known.filter((one) => one.length >= SHORTEST && isNear(name, one))
    const [meant] = near.toSorted((a, b) => slips(name, a) - slips(name, b))
    return meant === undefined ? [] : [{ given: name, meant }]
  })
}

function isNear(name: string, known: string): boolean {
  const most = known.length >= LONG && name[0] === known[0] ? 2 : 1
  return Math.abs(name.length - known.length) <= most && slips(name, known) <= most
}

// The distance of Damerau and Levenshtein, where no part is changed twice.
function slips(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1]
      const costs = [at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (isSame ? 0 : 1)]
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        costs.push(at(before, j - 2) + 1)
      }
      row.push(Math.min(...costs))
    }
    before = last
    last = row
  }
  return at(last, b.length)
}

function at(row: number[], index: number): number {
  return row[index] as number
}

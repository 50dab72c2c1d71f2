/**
 * Parses the text of a JSON object. Throws a SyntaxError for anything else, and for a member that is
 * given twice at any depth: parsers disagree on which one counts (RFC 8259 §4).
 */
export function parseObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError('the JSON text is not an object')
  }
  refuseRepeatedMembers(text)
  return value as Record<string, unknown>
}

// The text is known to be JSON, so a string before a colon is a member's name and nothing else is.
function refuseRepeatedMembers(text: string): void {
  const open: Set<string>[] = []
  for (const [piece, string, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g)) {
    if (piece === '{') open.push(new Set())
    else if (piece === '}') open.pop()
    else if (colon) {
      const name = JSON.parse(string as string) as string
      const names = open.at(-1)
      if (names?.has(name)) throw new SyntaxError('a JSON member is given twice')
      names?.add(name)
    }
  }
}

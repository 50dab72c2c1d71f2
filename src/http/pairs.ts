/**
 * The name=value pairs of a query string or a form, flat, as lists by name. Throws a URIError when a
 * percent-encoding is broken or is not UTF-8, where URLSearchParams would put in U+FFFD.
 */
export function parsePairs(text: string): Map<string, string[]> {
  const pairs = new Map<string, string[]>()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const [name, ...value] = pair.replaceAll('+', ' ').split('=').map(decodeURIComponent)
    const values = pairs.get(name as string)
    if (values) values.push(value.join('='))
    else pairs.set(name as string, [value.join('=')])
  }
  return pairs
}

import type { NewId } from '../id.ts'

/** Takes over a caller's request id where it is fit to be logged, and makes one otherwise. */
export type RequestIds = (given: string | undefined) => string

/** Ids of a random part for the process and a count: unique, and cheap enough for every verify. */
export function createRequestIds(newId: NewId): RequestIds {
  const process = newId().slice(0, 12)
  let count = 0
  return (given) => {
    if (given !== undefined && /^[\w.:/+=-]{1,128}$/.test(given)) return given
    count += 1
    return `${process}-${count.toString(36)}`
  }
}

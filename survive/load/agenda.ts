/** What is to be done later, earliest first. */
export interface Agenda<T> {
  add(due: number, item: T): void
  /** Takes the earliest item that is due. */
  take(now: number): T | undefined
  readonly size: number
}

/** A binary heap. */
export function createAgenda<T>(): Agenda<T> {
  const heap: { due: number; item: T }[] = []

  function dueAt(place: number): number {
    return heap[place]?.due ?? Number.POSITIVE_INFINITY
  }

  function swap(a: number, b: number): void {
    const held = heap[a] as (typeof heap)[0]
    heap[a] = heap[b] as (typeof heap)[0]
    heap[b] = held
  }

  return {
    get size() {
      return heap.length
    },
    add(due, item) {
      let place = heap.push({ due, item }) - 1
      while (place > 0) {
        const parent = (place - 1) >> 1
        if (dueAt(parent) <= due) break
        swap(place, parent)
        place = parent
      }
    },
    take(now) {
      if (dueAt(0) > now) return undefined
      swap(0, heap.length - 1)
      const taken = heap.pop()
      for (let place = 0; ; ) {
        const left = 2 * place + 1
        const least = dueAt(left) <= dueAt(left + 1) ? left : left + 1
        if (dueAt(least) >= dueAt(place)) break
        swap(place, least)
        place = least
      }
      return taken?.item
    },
  }
}

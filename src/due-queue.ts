import type { Clock } from './clock.js'

interface Waiting<T> {
  readonly until: number
  /** Keeps the order of what is due at the same instant. */
  readonly order: number
  readonly item: T
}

/**
 * Keeps items until they are due: one heap, one timer. The clock is looked at again when the timer fires, so that nothing
 * leaves early.
 */
export class DueQueue<T> {
  readonly #clock: Clock
  readonly #release: (item: T) => void
  readonly #heap: Waiting<T>[] = []
  #count = 0
  #cancelTimer: (() => void) | undefined
  #timerAt = Infinity

  constructor(clock: Clock, release: (item: T) => void) {
    this.#clock = clock
    this.#release = release
  }

  get size(): number {
    return this.#heap.length
  }

  add(item: T, until: number): void {
    const heap = this.#heap
    let child = heap.length
    heap.push({ until, order: this.#count++, item })
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!before(heap[child]!, heap[parent]!)) break
      this.#swap(child, parent)
      child = parent
    }
    this.#arm()
  }

  /** Everything in it, in no order. */
  items(): T[] {
    return this.#heap.map(({ item }) => item)
  }

  /** Takes out everything, in no order. */
  clear(): T[] {
    this.#cancelTimer?.()
    this.#timerAt = Infinity
    return this.#heap.splice(0).map(({ item }) => item)
  }

  #arm(): void {
    const next = this.#heap[0]?.until ?? Infinity
    if (next >= this.#timerAt) return
    this.#cancelTimer?.()
    this.#timerAt = next
    this.#cancelTimer = this.#clock.at(next, () => {
      this.#timerAt = Infinity
      while (this.#heap.length > 0 && this.#heap[0]!.until <= this.#clock.now()) this.#release(this.#pop())
      this.#arm()
    })
  }

  #pop(): T {
    const heap = this.#heap
    this.#swap(0, heap.length - 1)
    const { item } = heap.pop()!
    let parent = 0
    for (;;) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2]
      let least = parent
      if (left < heap.length && before(heap[left]!, heap[least]!)) least = left
      if (right < heap.length && before(heap[right]!, heap[least]!)) least = right
      if (least === parent) return item
      this.#swap(parent, least)
      parent = least
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    ;[heap[a], heap[b]] = [heap[b]!, heap[a]!]
  }
}

function before<T>(a: Waiting<T>, b: Waiting<T>): boolean {
  return a.until < b.until || (a.until === b.until && a.order < b.order)
}

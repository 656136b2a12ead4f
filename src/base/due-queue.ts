import type { Timeline } from './clock.js'
import { Heap } from './heap.js'

/**
 * Keeps items until they are due: one heap, one timer. It checks the clock again when the timer fires, so that no item
 * leaves early.
 */
export class DueQueue<T> {
  readonly #clock: Timeline
  readonly #onDue: (item: T) => void
  readonly #heap = new Heap<T>()
  #cancelTimer: (() => void) | undefined
  #timerAt = Infinity

  constructor(clock: Timeline, onDue: (item: T) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  get size(): number {
    return this.#heap.size
  }

  add(item: T, until: number): void {
    this.#heap.add(item, until)
    this.#arm()
  }

  /** All items, in no order. */
  items(): T[] {
    return this.#heap.items()
  }

  /** Removes all items and returns them, in no order. */
  clear(): T[] {
    this.#cancelTimer?.()
    this.#timerAt = Infinity
    return this.#heap.clear()
  }

  #arm(): void {
    const next = this.#heap.least
    if (next >= this.#timerAt) return
    this.#cancelTimer?.()
    this.#timerAt = next
    this.#cancelTimer = this.#clock.at(next, () => {
      this.#timerAt = Infinity
      while (this.#heap.least <= this.#clock.now()) this.#onDue(this.#heap.pop()!)
      this.#arm()
    })
  }
}

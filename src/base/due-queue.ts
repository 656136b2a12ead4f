import type { Timeline } from './clock.js'
import { Heap } from './heap.js'

/**
 * Keeps items until they are due: one heap, one timer. The clock is looked at again when the timer fires, so that nothing
 * leaves early.
 */
export class DueQueue<T> {
  readonly #clock: Timeline
  readonly #release: (item: T) => void
  readonly #heap = new Heap<T>()
  #cancelTimer: (() => void) | undefined
  #timerAt = Infinity

  constructor(clock: Timeline, release: (item: T) => void) {
    this.#clock = clock
    this.#release = release
  }

  get size(): number {
    return this.#heap.size
  }

  add(item: T, until: number): void {
    this.#heap.add(item, until)
    this.#arm()
  }

  /** Everything in it, in no order. */
  items(): T[] {
    return this.#heap.items()
  }

  /** Takes out everything, in no order. */
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
      while (this.#heap.least <= this.#clock.now()) this.#release(this.#heap.pop()!)
      this.#arm()
    })
  }
}

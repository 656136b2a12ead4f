import { monotonicOf, type Clock } from '../base/clock.js'
import { DueQueue } from '../base/due-queue.js'
import type { Item } from './handling.js'

/** Messages that a consumer has and does not handle yet. */
export class Holds {
  readonly #clock: Clock
  readonly #release: (item: Item) => void
  /** By the wall clock. */
  readonly #due: DueQueue<Item>
  /** By the time that only goes on. */
  readonly #paused: DueQueue<Item>
  #unwatch: (() => void) | undefined

  constructor(clock: Clock, release: (item: Item) => void) {
    this.#clock = clock
    this.#release = release
    this.#due = new DueQueue(clock, release)
    this.#paused = new DueQueue(monotonicOf(clock), release)
  }

  get size(): number {
    return this.#due.size + this.#paused.size
  }

  /** Releases it when it is ready. If the wall clock is set before that, all are released at once, to be looked at again. */
  untilReady(item: Item): void {
    this.#unwatch ??= this.#clock.onStep(() => {
      for (const held of this.#due.clear()) this.#release(held)
    })
    this.#due.add(item, item.readyAt)
  }

  /** Releases it after `ms`, whatever the wall clock shows. */
  pause(item: Item, ms: number): void {
    this.#paused.add(item, this.#clock.monotonic() + ms)
  }

  /** Takes out everything, in no order. */
  end(): Item[] {
    this.#unwatch?.()
    return [...this.#due.clear(), ...this.#paused.clear()]
  }
}

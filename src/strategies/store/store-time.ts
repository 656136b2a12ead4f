import type { Clock } from '../../base/clock.js'

/**
 * What a store's clock shows, as far as its answers tell: a little less rather than more, so that nobody who goes by it asks
 * too soon. An answer tells it to within the time that it took; the quickest ones are the best.
 */
export class StoreTime {
  readonly #clock: Clock
  /** How far it is ahead of the time that only goes on, at least and at most. */
  #least = -Infinity
  #most = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds since the epoch. Before the first answer, those of this machine. */
  now(): number {
    return this.#clock.monotonic() + this.#aheadMs()
  }

  /** When it shows `time`, by the time that only goes on. */
  monotonicAt(time: number): number {
    return time - this.#aheadMs()
  }

  /** @param now what it showed in whole milliseconds, at some time since `askedAt` by the time that only goes on */
  answered(now: number, askedAt: number): void {
    const least = now - this.#clock.monotonic()
    const most = now + 1 - askedAt
    // One of the clocks was set, or runs faster.
    const isOther = least > this.#most || most < this.#least
    this.#least = isOther ? least : Math.max(this.#least, least)
    this.#most = isOther ? most : Math.min(this.#most, most)
  }

  #aheadMs(): number {
    return this.#least > -Infinity ? this.#least : this.#clock.now() - this.#clock.monotonic()
  }
}

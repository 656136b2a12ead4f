import type { Clock } from '../../base/clock.js'

/**
 * Estimates a store's clock from its answers: a little slow rather than fast, so that no relay asks too soon. An answer is
 * exact to within the time that it took, so quick answers are the best.
 */
export class StoreClock {
  readonly #clock: Clock
  /** How far the store's clock is ahead of the monotonic time, at least and at most. */
  #least = -Infinity
  #most = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds since the epoch. Before the first answer, those of this machine. */
  now(): number {
    return this.#clock.monotonic() + this.#aheadMs()
  }

  /** The monotonic time at which the store's clock shows `time`. */
  monotonicAt(time: number): number {
    return time - this.#aheadMs()
  }

  /** @param now the store's time in whole milliseconds, at some moment since the monotonic time `askedAt` */
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

import type { Clock } from '../../base/clock.js'

/**
 * Estimates a store's clock from its answers: a little slow rather than fast, so that nobody asks too soon. An answer is
 * exact to within the time that it took, so that quick answers are the best.
 */
export class StoreClock {
  readonly #clock: Clock
  /** How far it is ahead of the monotonic time, at least and at most. */
  #least = -Infinity
  #most = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds since the epoch. Before the first answer, those of this machine. */
  now(): number {
    return this.#clock.monotonic() + this.#aheadMs()
  }

  /** When it shows `time`, by the monotonic time. */
  monotonicAt(time: number): number {
    return time - this.#aheadMs()
  }

  /** @param now what it showed in whole milliseconds, at some time since `askedAt` by the monotonic time */
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

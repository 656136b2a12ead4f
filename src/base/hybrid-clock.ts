/**
 * Numbers that grow: milliseconds × 1000 and a random part. Later is greater, by the clock across processes and by counting
 * within one.
 */
export class HybridClock {
  #last = 0

  /** The greatest number so far. */
  get last(): number {
    return this.#last
  }

  /** @param now milliseconds since the epoch */
  next(now: number, least = 0): number {
    this.#last = Math.max(now * 1000 + Math.floor(Math.random() * 1000), this.#last + 1, least)
    return this.#last
  }

  /** At least every number up to now: those of this process exactly, those of others by the clock. */
  upTo(now: number): number {
    this.#last = Math.max(now * 1000 + 999, this.#last)
    return this.#last
  }
}

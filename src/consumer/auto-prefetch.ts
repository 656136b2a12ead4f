/** Handlers that take less on average, in milliseconds, are fast: a hundred of their messages are half a second of work. */
const FAST_MS = 50
/** From this average on they are slow again. */
const SLOW_MS = 200
/** The average is over so many handlers. Half as many have to end before the prefetch changes again. */
const SAMPLE = 32
/** Of AMQP 0-9-1. */
export const MOST_PREFETCH = 65_535

/**
 * The prefetch of a consumer without that option. A message that one process has prefetched cannot go to another. Slow
 * handlers therefore get little more than they can work on, so that other processes get their share. Fast handlers get
 * enough to go on while acks are under way.
 * See docs/decisions/041-the-default-prefetch-shares.md.
 */
export class AutoPrefetch {
  readonly #concurrency: number
  readonly #leadMs: number
  readonly #fast: number
  #isFast = false
  #averageMs = 0
  #count = 0

  /**
   * @param leadMs how early messages may be: held ones use up prefetch. There is room for a thousand of them a second
   * @param ratePerSecond at which handlers start: with more than a second of them ahead, other processes would go short
   */
  constructor(concurrency: number, leadMs: number, ratePerSecond = Infinity) {
    this.#concurrency = concurrency
    this.#fast = Math.max(2 * concurrency, Math.min(10 * concurrency, Math.ceil(ratePerSecond)))
    this.#leadMs = Math.min(leadMs, 1000)
  }

  get value(): number {
    return Math.min((this.#isFast ? this.#fast : 2 * this.#concurrency) + this.#leadMs, MOST_PREFETCH)
  }

  /** Notes the time of a handler. Returns whether that changed the {@link value}. */
  took(ms: number): boolean {
    this.#count++
    this.#averageMs += (ms - this.#averageMs) / Math.min(this.#count, SAMPLE)
    if (this.#count < SAMPLE / 2) return false
    const isFast = this.#averageMs < (this.#isFast ? SLOW_MS : FAST_MS)
    if (isFast === this.#isFast) return false
    this.#isFast = isFast
    this.#count = 0
    return true
  }
}

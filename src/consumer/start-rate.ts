import type { Clock } from '../base/clock.js'

/** Of lost time, such as a late timer, so much is caught up at most. */
const CATCH_UP_MS = 10

/** Spreads the starts of handlers evenly: at most so many a second, and each at least its share of it after the last. */
export class StartRate {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #onTurn: () => void
  /** By the monotonic time. */
  #next = -Infinity
  /** The last one that was taken. */
  #turn = NaN
  #cancel: (() => void) | undefined

  /** @param onTurn called when a handler may start, after {@link isOpen} was false */
  constructor(clock: Clock, perSecond: number, onTurn: () => void) {
    this.#clock = clock
    this.#intervalMs = 1000 / perSecond
    this.#onTurn = onTurn
  }

  /** Whether a handler may start now. */
  isOpen(): boolean {
    const waitMs = this.#next - this.#clock.monotonic()
    if (waitMs <= 0) return true
    this.#cancel ??= this.#clock.after(waitMs, () => {
      this.#cancel = undefined
      this.#onTurn()
    })
    return false
  }

  /** Takes the turn. @returns which one it is */
  started(): number {
    const now = this.#clock.monotonic()
    // The first of many counts from its own start.
    this.#turn = this.#next < now - CATCH_UP_MS ? now : this.#next
    this.#next = this.#turn + this.#intervalMs
    return this.#turn
  }

  /** No handler started after all. Another may take the turn, unless a later one was taken: two would start too close. */
  unused(turn: number): void {
    if (turn === this.#turn) this.#next = turn
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}

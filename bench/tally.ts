/** What a receiver saw. Times are milliseconds since the epoch. */
export interface Tallied {
  /** Different messages. */
  unique: number
  /** Messages handled, second copies too. */
  copies: number
  /** Messages handled beside them, that do not count: with negative numbers. */
  uncounted: number
  /** Handled before they were due. */
  early: number
  /** Of each first copy: arrival − due, in ms. */
  lateness: number[]
  /** Their numbers, in the order of arrival. */
  numbers: number[]
  firstAt: number
  /** Of the last first copy. */
  lastAt: number
}

/** Counts arrivals by number. */
export class Tally {
  readonly #seen = new Set<number>()
  readonly #tallied: Tallied = {
    unique: 0,
    copies: 0,
    uncounted: 0,
    early: 0,
    lateness: [],
    numbers: [],
    firstAt: 0,
    lastAt: 0,
  }

  get tallied(): Tallied {
    return this.#tallied
  }

  /** `latenessMs` is as the receiver reports it; undefined without a due time. A negative `n` does not count. */
  add(n: number, dueAt: number | undefined, latenessMs: number | undefined): void {
    const now = Date.now()
    const tallied = this.#tallied
    if (n < 0) {
      tallied.uncounted++
      return
    }
    tallied.copies++
    if (dueAt !== undefined && now < dueAt) tallied.early++
    if (this.#seen.has(n)) return
    this.#seen.add(n)
    tallied.numbers.push(n)
    tallied.unique++
    if (tallied.unique === 1) tallied.firstAt = now
    tallied.lastAt = now
    if (latenessMs !== undefined) tallied.lateness.push(latenessMs)
  }
}

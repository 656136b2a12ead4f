/** How far rates and lateness reach back. */
export const WINDOW_MS = 60_000

interface WindowEntry<T> {
  readonly at: number
  readonly value: T
}

/** The values of the last minute, oldest first. */
export class Window<T> {
  #entries: WindowEntry<T>[] = []

  add(at: number, value: T): void {
    this.#entries.push({ at, value })
  }

  /** @param now as `at`: milliseconds of a time that never goes back */
  entries(now: number): readonly WindowEntry<T>[] {
    this.#entries = this.#entries.filter(({ at }) => at > now - WINDOW_MS)
    return this.#entries
  }

  /** @param now as of {@link entries} */
  values(now: number): T[] {
    return this.entries(now).map(({ value }) => value)
  }
}

/** How far rates and lateness reach back. */
export const WINDOW_MS = 60_000

/** The values of the last minute, oldest first. */
export class Window<T> {
  #values: { at: number; value: T }[] = []

  add(at: number, value: T): void {
    this.#values.push({ at, value })
  }

  /** @param now as `at`: milliseconds of a time that never goes back */
  values(now: number): T[] {
    this.#values = this.#values.filter(({ at }) => at > now - WINDOW_MS)
    return this.#values.map(({ value }) => value)
  }
}

/**
 * The age from which a queue keeps what it confirmed: twice what was measured. If a broker is killed within a second after a
 * quorum queue was declared, that queue starts anew and empty, without the messages that it had confirmed (measured on
 * 4.3.6: in every kill up to 600 ms after the declaration, in none of 7 from 1 s on).
 */
export const SAFE_AFTER_MS = 2000

/** When a queue was declared, or first seen if its age is unknown, by key and `performance.now()`. */
export class YoungQueues {
  readonly #since = new Map<string, number>()

  add(key: string): void {
    const now = performance.now()
    this.#since.set(key, now)
    setTimeout(() => {
      if (this.#since.get(key) === now) this.#since.delete(key)
    }, SAFE_AFTER_MS + 1000).unref()
  }

  get isEmpty(): boolean {
    return this.#since.size === 0
  }

  /** From when on the confirms of all these queues can be relied on, by `performance.now()`. */
  safeAt(keys: readonly string[]): number {
    return Math.max(...keys.map((key) => this.#since.get(key) ?? -Infinity)) + SAFE_AFTER_MS
  }
}

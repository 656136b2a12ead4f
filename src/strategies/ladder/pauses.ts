/** Pauses of a few milliseconds for thousands of messages at once. Pauses that end in the same millisecond share a timer. */
export class Pauses {
  /** By the millisecond in which they end, on a monotonic clock. */
  readonly #ending = new Map<number, Promise<void>>()

  /** Resolves when `ms` have passed, or up to 1 ms later. Never earlier, in contrast to a timer of Node. */
  take(ms: number): Promise<void> {
    const end = Math.ceil(performance.now() + ms)
    const known = this.#ending.get(end)
    if (known) return known
    const pause = passed(end).then(() => void this.#ending.delete(end))
    this.#ending.set(end, pause)
    return pause
  }
}

function passed(end: number): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      const left = end - performance.now()
      if (left > 0) setTimeout(look, left)
      else resolve()
    }
    look()
  })
}

/** Waits of a few milliseconds, of thousands of messages at once: those that end in the same millisecond share a timer. */
export class Pauses {
  /** By the millisecond in which they end, of a clock that cannot be set. */
  readonly #ending = new Map<number, Promise<void>>()

  /** Resolves when `ms` have passed, up to 1 ms later than that, and not a moment earlier, as a timer of Node may. */
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

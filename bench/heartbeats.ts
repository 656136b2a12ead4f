/** A gap that a busy machine makes by itself. */
const USUAL_MS = 1500

/** The longest gap between things that should happen all the time, from `begin` to `end`. Times: `performance.now()`. */
export class Heartbeats {
  longestMs = 0
  /** The end of the last gap that is longer than usual. */
  goesOnAt = 0
  #last: number | undefined

  begin(): void {
    this.longestMs = 0
    this.#last = performance.now()
    this.goesOnAt = this.#last
  }

  beat(): void {
    if (this.#last === undefined) return
    const now = performance.now()
    const gapMs = now - this.#last
    this.longestMs = Math.max(this.longestMs, gapMs)
    if (gapMs > USUAL_MS) this.goesOnAt = now
    this.#last = now
  }

  end(): void {
    this.beat()
    this.#last = undefined
  }
}

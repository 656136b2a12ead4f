/**
 * Notices that the event loop of this process stood still: then a message that is due may be handled before a record that
 * has been on the socket for long. A timer alone would come too late, behind the handlers that the loop starts first.
 */
export class LoopWatch {
  readonly #everyMs: number
  readonly #lateMs: number
  readonly #timer: ReturnType<typeof setInterval>
  #tickedAt = 0
  /** By the wall clock, which alone goes on while a machine is suspended. */
  #wallAt = 0

  /**
   * @param lateMs how late the loop may be
   * @param onLate called when it was later
   */
  constructor(lateMs: number, onLate: () => void) {
    this.#everyMs = Math.max(Math.floor(lateMs / 2), 10)
    this.#lateMs = lateMs
    this.#tick()
    this.#timer = setInterval(() => {
      if (this.isLate()) onLate()
      this.#tick()
    }, this.#everyMs)
    this.#timer.unref()
  }

  /** For every handler: whether the loop is late at this moment. */
  isLate(): boolean {
    const most = this.#everyMs + this.#lateMs
    return performance.now() - this.#tickedAt > most || Date.now() - this.#wallAt > most
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    this.#tickedAt = performance.now()
    this.#wallAt = Date.now()
  }
}

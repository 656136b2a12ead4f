/** So many looks in the time by which the loop may be late. */
const LOOKS = 5

/**
 * Notices that the event loop of this process stood still: then a message that is due may be handled before a record that
 * has been on the socket for long. A timer alone would come too late, behind the handlers that the loop starts first.
 */
export class LoopWatch {
  readonly #lateMs: number
  readonly #timer: ReturnType<typeof setInterval>
  #seenAt = 0
  /** By the wall clock, which alone goes on while a machine is suspended. */
  #wallAt = 0

  /**
   * @param lateMs the loop is late if it stood still for longer
   * @param onLate called once it goes on
   */
  constructor(lateMs: number, onLate: () => void) {
    this.#lateMs = lateMs
    this.#look()
    this.#timer = setInterval(
      () => {
        const isLate = this.isLate()
        this.#look()
        if (isLate) onLate()
      },
      Math.max(Math.floor(lateMs / LOOKS), 1),
    )
    this.#timer.unref()
  }

  /** For every handler: whether the loop has just stood still. */
  isLate(): boolean {
    return performance.now() - this.#seenAt > this.#lateMs || Date.now() - this.#wallAt > this.#lateMs
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    this.#seenAt = performance.now()
    this.#wallAt = Date.now()
  }
}

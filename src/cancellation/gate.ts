/**
 * Keeps the consumers of a connection from starting handlers while it is closed. Messages that are ready stay ready, early
 * ones are held on, and running handlers end. Open at first.
 */
export class Gate {
  readonly #listeners = new Set<() => void>()
  readonly #check: (readyAt: number) => boolean
  #isOpen = true
  /** Since it opened. */
  #hasRefused = false

  /** @param check asked for each handler that is to start while the gate is open: it may close the gate, or refuse the message */
  constructor(check: (readyAt: number) => boolean = () => true) {
    this.#check = check
  }

  /** Whether the handler of a message may start that was ready at that time: milliseconds since the epoch. */
  isOpenFor(readyAt: number): boolean {
    if (!this.#isOpen) return false
    const isOpen = this.#check(readyAt) && this.#isOpen
    if (!isOpen) this.#hasRefused = true
    return isOpen
  }

  close(): void {
    this.#isOpen = false
  }

  /** Handlers start at once. */
  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#notify()
  }

  /** The check may accept a message that it has refused. */
  recheck(): void {
    if (this.#isOpen && this.#hasRefused) this.#notify()
  }

  /** Calls `listener` whenever messages may pass that could not. Returns what removes it. */
  onOpen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #notify(): void {
    this.#hasRefused = false
    for (const listener of [...this.#listeners]) listener()
  }
}

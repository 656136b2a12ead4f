/**
 * Keeps the consumers of a connection from starting handlers while it is closed. Messages that are ready stay ready, early
 * ones are held on, and running handlers end. Open at first.
 */
export class Gate {
  readonly #listeners = new Set<() => void>()
  readonly #check: () => boolean
  #isOpen = true

  /** @param check asked for each handler that is to start while the gate is open: it may close the gate */
  constructor(check: () => boolean = () => true) {
    this.#check = check
  }

  get isOpen(): boolean {
    return this.#isOpen && this.#check() && this.#isOpen
  }

  close(): void {
    this.#isOpen = false
  }

  /** Handlers start at once. */
  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    for (const listener of [...this.#listeners]) listener()
  }

  /** Calls `listener` whenever the gate was opened. Returns what removes it. */
  onOpen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

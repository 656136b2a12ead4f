/**
 * The entries that wait on each signal, with one listener for each signal. Thousands of messages may share a signal: with a
 * listener for each message, removing them all would take time that grows with the square of their number.
 */
export class SharedSignals<E> {
  readonly #watched = new Map<AbortSignal, { readonly entries: Set<E>; readonly stop: () => void }>()
  readonly #aborted: (entries: ReadonlySet<E>, signal: AbortSignal) => void

  /** @param aborted called once with all entries of the signal */
  constructor(aborted: (entries: ReadonlySet<E>, signal: AbortSignal) => void) {
    this.#aborted = aborted
  }

  add(entry: E, signal: AbortSignal): void {
    const known = this.#watched.get(signal) ?? this.#watch(signal)
    known.entries.add(entry)
  }

  delete(entry: E, signal: AbortSignal): void {
    const known = this.#watched.get(signal)
    if (!known?.entries.delete(entry) || known.entries.size > 0) return
    known.stop()
  }

  #watch(signal: AbortSignal) {
    const entries = new Set<E>()
    const abort = () => {
      stop()
      this.#aborted(entries, signal)
    }
    const stop = () => {
      this.#watched.delete(signal)
      signal.removeEventListener('abort', abort)
    }
    signal.addEventListener('abort', abort, { once: true })
    const watched = { entries, stop }
    this.#watched.set(signal, watched)
    return watched
  }
}

/** How long handlers may take to end after their signal was aborted. */
const ABORT_GRACE_MS = 100

/** The places of a consumer's handlers: each message has one from the start of its handler until it is settled. */
export class HandlerPlaces {
  #taken = 0
  #started = 0
  #onFree: (() => void) | undefined

  get taken(): number {
    return this.#taken
  }

  /** How often one was taken. */
  get started(): number {
    return this.#started
  }

  take(): void {
    this.#taken++
    this.#started++
  }

  free(): void {
    this.#taken--
    if (this.#taken === 0) this.#onFree?.()
  }

  /** Resolves when no handler runs, or when running ones ignore their signal. */
  async allFree(aborted: AbortSignal): Promise<void> {
    if (this.#taken === 0) return
    await new Promise<void>((resolve) => {
      this.#onFree = resolve
      const stop = () => setTimeout(resolve, ABORT_GRACE_MS)
      if (aborted.aborted) stop()
      else aborted.addEventListener('abort', stop, { once: true })
    })
  }
}

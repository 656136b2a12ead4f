/** Runs work by key, one run at a time: callers that come during a run share it. */
export class SharedRuns<Key> {
  readonly #running = new Map<Key, Promise<void>>()

  /**
   * The work begins after this call returns, because it may lead to the next call for its key.
   *
   * @throws what the work throws
   */
  do(key: Key, work: () => Promise<void>): Promise<void> {
    const known = this.#running.get(key)
    if (known) return known
    const running = Promise.resolve()
      .then(work)
      .finally(() => this.#running.delete(key))
    this.#running.set(key, running)
    return running
  }
}

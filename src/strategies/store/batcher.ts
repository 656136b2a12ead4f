/** Runs one batch at a time, of the items that were added during the batch before. */
export class Batcher<T> {
  readonly #run: (batch: readonly T[]) => Promise<void>
  #before = Promise.resolve()
  #next: { batch: T[]; done: Promise<void> } | undefined

  /** @param run never rejects */
  constructor(run: (batch: readonly T[]) => Promise<void>) {
    this.#run = run
  }

  /** Resolves when the batch of the item is done. */
  add(item: T): Promise<void> {
    this.#next ??= this.#gather()
    this.#next.batch.push(item)
    return this.#next.done
  }

  #gather(): { batch: T[]; done: Promise<void> } {
    const batch: T[] = []
    const done = this.#before.then(() => {
      this.#next = undefined
      return this.#run(batch)
    })
    this.#before = done
    return { batch, done }
  }
}

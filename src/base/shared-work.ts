/**
 * Does a work for many callers at once, one work after another: those who come while one is under way share the next.
 */
export class SharedWork<Item> {
  readonly #work: (items: readonly Item[]) => Promise<void>
  #next: { readonly items: Item[]; readonly done: Promise<void> } | undefined
  /** Never rejects. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(work: (items: readonly Item[]) => Promise<void>) {
    this.#work = work
  }

  /** Resolves when a work that began after this call has ended. @throws what that work throws */
  do(item: Item): Promise<void> {
    const next = (this.#next ??= this.#begin([]))
    next.items.push(item)
    return next.done
  }

  /** Resolves when all that was to be done is done. */
  async settled(): Promise<void> {
    await this.#last
  }

  #begin(items: Item[]): { readonly items: Item[]; readonly done: Promise<void> } {
    const done = this.#last.then(() => {
      this.#next = undefined
      return this.#work(items)
    })
    this.#last = done.catch(() => undefined)
    return { items, done }
  }
}

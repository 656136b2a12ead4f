/** Reads the items of an iterable, one at a time: at once from a synchronous one, later from an asynchronous one. */
export class Source<Item> {
  readonly #iterator: Iterator<Item, unknown> | AsyncIterator<Item, unknown>
  readonly #isAsync: boolean
  readonly #run: (item: Item) => void
  readonly #changed: () => void
  #state: 'open' | 'ended' | { readonly error: unknown } = 'open'
  #isReading = false
  #isClosed = false

  /** @param changed called after an item that came later, or the end */
  constructor(items: Iterable<Item> | AsyncIterable<Item>, run: (item: Item) => void, changed: () => void) {
    this.#isAsync = Symbol.asyncIterator in items
    this.#iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
    this.#run = run
    this.#changed = changed
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get isReading(): boolean {
    return this.#isReading
  }

  read(): void {
    try {
      const next = this.#iterator.next()
      if (this.#isAsync) void this.#readLater(next as Promise<IteratorResult<Item, unknown>>)
      else this.#take(next as IteratorResult<Item, unknown>)
    } catch (error) {
      this.#state = { error }
    }
  }

  /** @throws the error of the iterable, if it threw one */
  assertEnded(): void {
    if (typeof this.#state === 'object') throw this.#state.error
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const closed = this.isOpen ? this.#iterator.return?.() : undefined
    // An iterable that is being read answers when that is over, which may be never.
    if (this.#isReading) void Promise.resolve(closed).catch(() => undefined)
    else await closed
  }

  async #readLater(next: Promise<IteratorResult<Item, unknown>>): Promise<void> {
    this.#isReading = true
    try {
      this.#take(await next)
    } catch (error) {
      this.#state = { error }
    }
    this.#isReading = false
    this.#changed()
  }

  #take(next: IteratorResult<Item, unknown>): void {
    if (next.done) this.#state = 'ended'
    else if (!this.#isClosed) this.#run(next.value)
  }
}

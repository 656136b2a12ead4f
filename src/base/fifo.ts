/** A queue in memory. `shift` takes constant time, while `Array.shift` moves every element of a long array. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  get first(): T | undefined {
    return this.#items[this.#head]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** All items, in order. */
  items(): T[] {
    return this.#items.slice(this.#head) as T[]
  }

  /** Takes out every item that `test` accepts. */
  remove(test: (item: T) => boolean): T[] {
    const [removed, kept]: [T[], T[]] = [[], []]
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i] as T
      if (test(item)) removed.push(item)
      else kept.push(item)
    }
    if (removed.length > 0) [this.#items, this.#head] = [kept, 0]
    return removed
  }
}

/** An item of a {@link Bag}, at most one at a time. */
export interface BagItem {
  /** Where it is in its bag. Only the bag writes it. */
  slot: number
}

/**
 * A set without an order. Items are in an array and know their place in it, so that nothing is allocated or hashed for them. A
 * `Set` allocates a table for each few hundred items that pass through, and keeps items in discarded tables alive.
 */
export class Bag<T extends BagItem> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** Adds an item that is in no bag. */
  add(item: T): void {
    item.slot = this.#items.length
    this.#items.push(item)
  }

  /** @returns whether it was there */
  delete(item: T): boolean {
    const { slot } = item
    if (this.#items[slot] !== item) return false
    const last = this.#items.pop()!
    if (last === item) return true
    this.#items[slot] = last
    last.slot = slot
    return true
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#items.values()
  }
}

interface Entry<T> {
  readonly at: number
  /** Keeps the order of what has the same number. */
  readonly order: number
  readonly item: T
}

/** Gives items back by their number, the least first, and in the order of adding for the same number. */
export class Heap<T> {
  readonly #entries: Entry<T>[] = []
  #count = 0

  get size(): number {
    return this.#entries.length
  }

  /** The least number in it. */
  get least(): number {
    return this.#entries[0]?.at ?? Infinity
  }

  /** The item that {@link pop} would take. */
  get first(): T | undefined {
    return this.#entries[0]?.item
  }

  add(item: T, at: number): void {
    const entries = this.#entries
    let child = entries.length
    entries.push({ at, order: this.#count++, item })
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!before(entries[child]!, entries[parent]!)) break
      this.#swap(child, parent)
      child = parent
    }
  }

  pop(): T | undefined {
    const entries = this.#entries
    if (entries.length === 0) return undefined
    this.#swap(0, entries.length - 1)
    const { item } = entries.pop()!
    let parent = 0
    for (;;) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2]
      let least = parent
      if (left < entries.length && before(entries[left]!, entries[least]!)) least = left
      if (right < entries.length && before(entries[right]!, entries[least]!)) least = right
      if (least === parent) return item
      this.#swap(parent, least)
      parent = least
    }
  }

  /** Everything in it, in no order. */
  items(): T[] {
    return this.#entries.map(({ item }) => item)
  }

  /** Takes out everything, in no order. */
  clear(): T[] {
    return this.#entries.splice(0).map(({ item }) => item)
  }

  #swap(a: number, b: number): void {
    const entries = this.#entries
    const entry = entries[a]!
    entries[a] = entries[b]!
    entries[b] = entry
  }
}

function before<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

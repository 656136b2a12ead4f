interface HeapItem<T> {
  readonly at: number
  /** Keeps the order of items with the same number. */
  readonly order: number
  readonly item: T
}

/** A priority queue: the item with the least number first, and of equal ones the item that was added first. */
export class Heap<T> {
  readonly #nodes: HeapItem<T>[] = []
  #count = 0

  get size(): number {
    return this.#nodes.length
  }

  /** The least number in it. */
  get least(): number {
    return this.#nodes[0]?.at ?? Infinity
  }

  /** The item that {@link pop} would take. */
  get first(): T | undefined {
    return this.#nodes[0]?.item
  }

  add(item: T, at: number): void {
    const nodes = this.#nodes
    let child = nodes.length
    nodes.push({ at, order: this.#count++, item })
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!before(nodes[child]!, nodes[parent]!)) break
      this.#swap(child, parent)
      child = parent
    }
  }

  pop(): T | undefined {
    const nodes = this.#nodes
    if (nodes.length === 0) return undefined
    this.#swap(0, nodes.length - 1)
    const { item } = nodes.pop()!
    let parent = 0
    for (;;) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2]
      let least = parent
      if (left < nodes.length && before(nodes[left]!, nodes[least]!)) least = left
      if (right < nodes.length && before(nodes[right]!, nodes[least]!)) least = right
      if (least === parent) return item
      this.#swap(parent, least)
      parent = least
    }
  }

  /** All items, in no order. */
  items(): T[] {
    return this.#nodes.map(({ item }) => item)
  }

  /** Removes all items and returns them, in no order. */
  clear(): T[] {
    return this.#nodes.splice(0).map(({ item }) => item)
  }

  #swap(a: number, b: number): void {
    const nodes = this.#nodes
    const node = nodes[a]!
    nodes[a] = nodes[b]!
    nodes[b] = node
  }
}

function before<T>(a: HeapItem<T>, b: HeapItem<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

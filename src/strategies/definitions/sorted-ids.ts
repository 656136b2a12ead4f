/**
 * The keys of a map in their order, for pages. They are sorted when a page is asked for. What was sorted before is one long run,
 * which costs the next sort little.
 */
export class SortedIds {
  readonly #present: ReadonlyMap<string, unknown>
  /** Undefined until a page is asked for. It may hold ids that are gone. */
  #sorted: string[] | undefined
  /** Since the last sort. */
  readonly #added = new Set<string>()

  constructor(present: ReadonlyMap<string, unknown>) {
    this.#present = present
  }

  added(id: string): void {
    if (!this.#sorted) return
    this.#added.add(id)
    // Nobody asks any more.
    if (this.#added.size <= this.#present.size) return
    this.#sorted = undefined
    this.#added.clear()
  }

  /** Up to `limit` ids behind `after`, which begin with the prefix. */
  page(idPrefix: string, after: string | undefined, limit: number): string[] {
    const ids = this.#ids()
    const page: string[] = []
    const isAfter = after !== undefined && after >= idPrefix
    for (let at = isAfter ? firstAt(ids, (id) => id > after) : firstAt(ids, (id) => id >= idPrefix); ; at++) {
      const id = ids[at]
      if (page.length === limit || !id?.startsWith(idPrefix)) return page
      if (this.#present.has(id)) page.push(id)
    }
  }

  /** Those that are gone are left out as soon as they are many: a page walks over them. */
  #ids(): readonly string[] {
    const before = this.#sorted ?? []
    if (this.#sorted && this.#added.size === 0 && before.length <= 1.5 * this.#present.size) return before
    const kept = before.filter((id) => this.#present.has(id) && !this.#added.has(id))
    const added = this.#sorted ? this.#added : this.#present.keys()
    this.#sorted = [...kept, ...added].sort()
    this.#added.clear()
    return this.#sorted
  }
}

/** The first place whose id is far enough, searched by halves. */
function firstAt(ids: readonly string[], isFar: (id: string) => boolean): number {
  let [low, high] = [0, ids.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isFar(ids[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

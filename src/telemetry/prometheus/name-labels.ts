import { OTHER } from './metric-table.js'

/**
 * The values of the label `name`. They come from configuration: messages with a handler here, and the first so many names that
 * this process schedules. A foreign name never becomes a label.
 */
export class NameLabels {
  readonly #known = new Set<string>()
  #left: number

  /** @param most names of schedules without a handler here that have series of their own */
  constructor(most: number) {
    this.#left = most
  }

  handled(names: readonly string[]): void {
    for (const name of names) this.#known.add(name)
  }

  ofSchedule(name: string): string {
    if (this.#known.has(name)) return name
    if (this.#left === 0) return OTHER
    this.#left--
    this.#known.add(name)
    return name
  }

  ofDelivery(name: string | undefined): string {
    return name !== undefined && this.#known.has(name) ? name : OTHER
  }
}

import { destinationText, type Destination } from '../../message/destination.js'

/** Of more than these, the first are forgotten. */
const MAX_REMEMBERED = 100_000

/**
 * The destinations that this process itself has bound, as its program said: it consumes them, or schedules to them. What a
 * message says is none of that.
 */
export class BoundDestinations {
  readonly #names = new Set<string>()

  add(destination: Destination): void {
    const name = nameOf(destination)
    if (this.#names.has(name)) return
    const [first] = this.#names
    if (first !== undefined && this.#names.size >= MAX_REMEMBERED) this.#names.delete(first)
    this.#names.add(name)
  }

  has(destination: Destination): boolean {
    return this.#names.has(nameOf(destination))
  }
}

/** With an outlet or without, a queue is the same. */
function nameOf(destination: Destination): string {
  return destinationText(destination.queue === undefined ? destination : { queue: destination.queue })
}

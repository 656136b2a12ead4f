import { destinationText, type Destination } from '../../message/destination.js'

/** The oldest of more than these are forgotten. */
const MAX_REMEMBERED = 100_000

/**
 * The destinations that this process has bound because its program consumes them or schedules to them. A destination that
 * only a message names is not among them.
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

/** The same for a queue with an outlet and without. */
function nameOf(destination: Destination): string {
  return destinationText(destination.queue === undefined ? destination : { queue: destination.queue })
}

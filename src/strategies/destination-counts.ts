import { destinationText, type Destination } from '../message/destination.js'

/** The waiting messages of one destination. */
export interface DestinationCount {
  /** An exchange is without a routing key: it is the destination of all its keys. */
  readonly destination: Destination
  readonly messages: number
  /** When the first and the last message are ready: milliseconds since the epoch. */
  readonly from: number
  readonly to: number
}

/** Counts messages by destination. */
export class DestinationCounts {
  readonly #counts = new Map<string, { destination: Destination; messages: number; from: number; to: number }>()

  /** @param readyAt milliseconds since the epoch */
  add(destination: Destination, readyAt: number): void {
    const text = destinationText(destination)
    const known = this.#counts.get(text)
    if (!known) {
      const own = destination.queue === undefined ? { exchange: destination.exchange } : destination
      this.#counts.set(text, { destination: own, messages: 1, from: readyAt, to: readyAt })
      return
    }
    known.messages++
    known.from = Math.min(known.from, readyAt)
    known.to = Math.max(known.to, readyAt)
  }

  all(): DestinationCount[] {
    return [...this.#counts.values()]
  }
}

import { Bag } from '../../base/bag.js'
import type { Publication } from './publication.js'

/**
 * Bytes of bodies in flight at most, whatever their number: 2000 of 16 MiB would fill any memory. A larger body goes alone.
 */
export const MAX_BYTES_IN_FLIGHT = 64 * 1024 * 1024

/** The window of unconfirmed publications: up to a number of messages and {@link MAX_BYTES_IN_FLIGHT}. */
export class InFlight {
  readonly #publications = new Bag<Publication>()
  readonly #most: number
  #bytes = 0

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#publications.size
  }

  get isFull(): boolean {
    return this.#publications.size >= this.#most || this.#bytes >= MAX_BYTES_IN_FLIGHT
  }

  add(publication: Publication): void {
    this.#publications.add(publication)
    this.#bytes += publication.message.body.byteLength
  }

  delete(publication: Publication): void {
    if (this.#publications.delete(publication)) this.#bytes -= publication.message.body.byteLength
  }

  [Symbol.iterator](): IterableIterator<Publication> {
    return this.#publications[Symbol.iterator]()
  }
}

/**
 * Bytes of bodies that are under way at most, whatever their number: 2000 of 16 MiB would fill any memory. One that is
 * larger goes alone.
 */
export const MAX_BYTES_IN_FLIGHT = 64 * 1024 * 1024

/** What is on the wire and not confirmed, up to so many messages and {@link MAX_BYTES_IN_FLIGHT}. */
export class InFlight<E extends { readonly publication: { readonly message: { readonly body: Uint8Array } } }> {
  readonly #entries = new Set<E>()
  readonly #most: number
  #bytes = 0

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#entries.size
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#most || this.#bytes >= MAX_BYTES_IN_FLIGHT
  }

  has(entry: E): boolean {
    return this.#entries.has(entry)
  }

  add(entry: E): void {
    this.#entries.add(entry)
    this.#bytes += entry.publication.message.body.byteLength
  }

  delete(entry: E): void {
    if (this.#entries.delete(entry)) this.#bytes -= entry.publication.message.body.byteLength
  }

  [Symbol.iterator](): IterableIterator<E> {
    return this.#entries.values()
  }
}

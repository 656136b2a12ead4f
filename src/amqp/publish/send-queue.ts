import { Fifo } from '../../base/fifo.js'
import type { InFlight } from './in-flight.js'
import { PoisonSearch } from './poison-search.js'
import { STATE, type Publication } from './publication.js'

/**
 * Publications that wait for their turn: possible poison messages, one by one; then retries; then records of streams, which
 * stand for many messages each; then messages that were not sent yet.
 */
export class SendQueue {
  readonly #records = new Fifo<Publication>()
  readonly #fresh = new Fifo<Publication>()
  readonly #retries = new Fifo<Publication>()
  readonly #poison = new PoisonSearch<Publication>()
  readonly #inFlight: InFlight

  constructor(inFlight: InFlight) {
    this.#inFlight = inFlight
  }

  push(publication: Publication): void {
    const isRecord = publication.plan.stream !== undefined
    ;(isRecord ? this.#records : this.#fresh).push(publication)
  }

  pushRetry(publication: Publication): void {
    publication.state = STATE.queued
    if (!this.#poison.add(publication)) this.#retries.push(publication)
  }

  /**
   * The next to send. A possible poison message waits until nothing is in flight, and nothing follows it before its answer.
   *
   * @param fresh whether a message that was not sent yet may be next
   */
  next(fresh: boolean): Publication | undefined {
    const { size } = this.#inFlight
    if (this.#poison.isSearching(size)) return this.#poison.next(size)
    return this.#retries.shift() ?? this.#records.shift() ?? (fresh ? this.#fresh.shift() : undefined)
  }

  /** RabbitMQ has answered for a publication that was in flight. */
  answered(): void {
    this.#poison.answered()
  }

  /** Ends a search for poison messages that stands still. @returns whether it did */
  endStuckSearch(): boolean {
    const candidates = this.#poison.endIfStuck(this.#inFlight)
    for (const publication of candidates ?? []) this.#retries.push(publication)
    return candidates !== undefined
  }

  /** Takes out every publication that `test` accepts. */
  remove(test: (publication: Publication) => boolean): Publication[] {
    return [this.#fresh, this.#records, this.#retries, this.#poison].flatMap((queue) => queue.remove(test))
  }
}

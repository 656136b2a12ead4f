import type { Arrival } from '../../broker.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { arrivedOf } from '../../message/envelope.js'

/** The batch of an item, to which the outcome of the item matters. */
export interface BatchOfItem {
  /** False once the broker has taken the batch back. */
  readonly live: boolean
  ack(item: ItemArrival): void
  requeue(item: ItemArrival): void
  leave(item: ItemArrival): Promise<boolean>
}

/** An item of a batch, as if it had arrived by itself: same body, properties and headers. */
export class ItemArrival implements Arrival {
  readonly body: Uint8Array
  readonly properties: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, unknown>>
  readonly exchange: string
  readonly routingKey: string
  readonly redelivered: boolean
  /** A batch that was abandoned is never handled as one. */
  readonly abandoned = 0
  /** Its place in the batch, from 0. */
  readonly place: number
  readonly #batch: BatchOfItem

  constructor(
    message: DelayedMessage,
    place: number,
    batch: Pick<Arrival, 'exchange' | 'redelivered'>,
    of: BatchOfItem,
  ) {
    const { body, properties, headers, exchange, routingKey } = arrivedOf(message, batch.exchange)
    this.body = body
    this.properties = properties
    this.headers = headers
    this.exchange = exchange
    this.routingKey = routingKey
    this.redelivered = batch.redelivered
    this.place = place
    this.#batch = of
  }

  get live(): boolean {
    return this.#batch.live
  }

  ack(): void {
    this.#batch.ack(this)
  }

  requeue(): void {
    this.#batch.requeue(this)
  }

  /**
   * Publishes it as a message of its own, and settles it. Never rejects.
   *
   * @returns false if that was not possible: the consumer closes, or the batch comes again
   */
  leave(): Promise<boolean> {
    return this.#batch.leave(this)
  }
}

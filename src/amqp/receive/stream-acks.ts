import type { Channel, ConsumeMessage } from 'amqplib'

/**
 * Unacked records at most. A stream needs a prefetch. Behind a network that is silent for a while, a smaller one holds back
 * records.
 */
export const PREFETCH = 20_000
const ACK_EVERY = 250
/** An unacked record closes the channel by the consumer timeout of RabbitMQ before 4.3. */
const ACK_AFTER_MS = 100

/** Acks the records that come on one channel, many at a time. */
export class StreamAcks {
  readonly #channel: Channel
  #last: ConsumeMessage | undefined
  #unacked = 0
  #taken = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(channel: Channel) {
    this.#channel = channel
  }

  /** To be acked soon. */
  take(message: ConsumeMessage): void {
    this.#last = message
    this.#taken++
    if (++this.#unacked >= ACK_EVERY) return this.ack()
    this.#timer ??= setTimeout(() => this.ack(), ACK_AFTER_MS)
  }

  /** Acks what has come so far. */
  ack(): void {
    const message = this.#last
    this.forget()
    if (!message) return
    try {
      this.#channel.ack(message, true)
    } catch (error) {
      // The channel is gone; the reader starts again.
      if ((error as Error).name !== 'IllegalOperationError') throw error
    }
  }

  /** The channel is gone, and its records come again. */
  forget(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#last = undefined
    this.#unacked = 0
  }

  /**
   * Whether the broker has answered behind every record that it had at the time of the call. It has not if the prefetch may
   * have held back some, or if the channel was lost.
   */
  async answered(): Promise<boolean> {
    this.ack()
    const before = this.#taken
    try {
      // The cheapest question that there is. The prefetch stays what it was.
      await this.#channel.prefetch(PREFETCH)
    } catch {
      return false
    }
    return this.#taken - before < PREFETCH
  }
}

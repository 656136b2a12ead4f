/** Acknowledgements may wait this long for company. */
const WAIT_MS = 5
/** How many may wait at most, as a share of the prefetch: the broker goes on sending meanwhile. */
const SHARE_OF_PREFETCH = 0.5

/**
 * A quorum queue's side of a channel holds back what settles deliveries once this many commands are on their way, and
 * forgets it when the channel closes: SOFT_LIMIT in rabbit_fifo_client.erl, rabbitmq/rabbitmq-server#10327, docs/decisions/015-close-behind-the-acks.md.
 */
export const SAFE_FRAMES = 30

/**
 * The part of a channel that settles deliveries: by the message as it arrived, not by its tag alone. OpenTelemetry's
 * instrumentation of amqplib knows its spans by that object.
 */
export interface Settling<Message> {
  /** `upTo`: with everything before it that is not settled yet. */
  ack(message: Message, upTo: boolean): void
  requeue(message: Message): void
}

/**
 * Acknowledges the deliveries of one channel in batches: in a quorum queue each frame of acknowledgements is one entry of
 * its Raft log, whether it settles one message or a hundred. What is settled in the order of arrival goes out as one
 * frame ("multiple", AMQP 0-9-1, 1.8.3.13), the rest as one frame each.
 *
 * An acknowledgement that was still waiting when the process died counts as none: the broker delivers again.
 */
export class Acks<Message> {
  readonly #channel: Settling<Message>
  #most = 0
  /** Acknowledged here, but not yet to the broker. */
  readonly #waiting = new Map<number, Message>()
  /** Settled with the broker, above {@link #floor}. */
  readonly #settled = new Set<number>()
  /** Everything up to this tag is settled, here or with the broker. Tags count from 1 on each channel. */
  #floor = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #frames = 0

  constructor(channel: Settling<Message>, prefetch: number) {
    this.#channel = channel
    this.setPrefetch(prefetch)
  }

  setPrefetch(prefetch: number): void {
    this.#most = prefetch * SHARE_OF_PREFETCH
  }

  ack(tag: number, message: Message): void {
    this.#waiting.set(tag, message)
    if (this.#waiting.size >= this.#most) return this.flush()
    this.#timer ??= setTimeout(() => this.flush(), WAIT_MS)
  }

  requeue(tag: number, message: Message): void {
    this.#settled.add(tag)
    this.#frames++
    this.#channel.requeue(message)
  }

  /** Sent so far. */
  get frames(): number {
    return this.#frames
  }

  /** Sends the waiting acknowledgements. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const last = this.#advance()
    if (last !== undefined) this.#send(last, true)
    for (const [tag, message] of this.#waiting) {
      this.#settled.add(tag)
      this.#send(message, false)
    }
    this.#waiting.clear()
  }

  #send(message: Message, upTo: boolean): void {
    this.#frames++
    this.#channel.ack(message, upTo)
  }

  /** Moves the floor as far as it goes; the last message on the way that the broker knows nothing of yet, if any. */
  #advance(): Message | undefined {
    let last: Message | undefined
    for (;;) {
      const tag = this.#floor + 1
      const message = this.#waiting.get(tag)
      if (message !== undefined) this.#waiting.delete(tag)
      else if (!this.#settled.delete(tag)) return last
      last = message ?? last
      this.#floor = tag
    }
  }
}

/** A process that handles nothing for so long asks nothing. */
const NEEDED_MS = 10_000

export interface RoundTripSettings {
  /** Resolves to true when the broker has answered behind every record that it had sent before. Must not reject. */
  ask: () => Promise<boolean>
  /** Milliseconds since the epoch. */
  now: () => number
  everyMs: number
  onAnswer: () => void
}

/**
 * Knows since when the network may be silent, or the event loop stand still. A cancellation may be on its way meanwhile, or on
 * the socket, and a message that is held here must not be handled before it. The socket alone does not keep their order: when it is full, RabbitMQ may send a message of one
 * channel before an older record of another channel.
 */
export class RoundTrips {
  readonly #settings: RoundTripSettings
  readonly #timer: ReturnType<typeof setInterval>
  #answeredAt = -Infinity
  #isAsking = false
  /** When a message was last to be handled, by `performance.now()`. */
  #neededAt = -Infinity

  constructor(settings: RoundTripSettings) {
    this.#settings = settings
    this.#timer = setInterval(() => {
      if (performance.now() - this.#neededAt < NEEDED_MS) void this.#ask()
    }, settings.everyMs).unref()
  }

  /**
   * Whether every record was read that RabbitMQ had sent at `time`, in milliseconds since the epoch. If not, it is asked at
   * once, and again and again for a while: so that only the first message after a pause waits for the answer.
   */
  isAnsweredSince(time: number): boolean {
    this.#neededAt = performance.now()
    // An answer of the future was asked for before the clock was set back.
    if (this.#answeredAt >= time && this.#answeredAt <= this.#settings.now()) return true
    void this.#ask()
    return false
  }

  /** Every record was read that RabbitMQ had sent at that time, by an answer of {@link RoundTripSettings.ask} or another proof. */
  answered(askedAt: number): void {
    this.#answeredAt = askedAt
    this.#settings.onAnswer()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    const askedAt = this.#settings.now()
    const isAnswered = await this.#settings.ask()
    this.#isAsking = false
    if (isAnswered) this.answered(askedAt)
  }
}

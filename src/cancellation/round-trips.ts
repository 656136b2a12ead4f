export interface RoundTripSettings {
  /** Resolves to true when the broker has answered behind every record that it had sent before. Must not reject. */
  ask: () => Promise<boolean>
  /** Milliseconds since the epoch. */
  now: () => number
  everyMs: number
  onAnswer: () => void
}

/**
 * Knows how far back the silence of a network reaches. Records that are on their way through it are unread, and a message
 * that is held here must not be handled before them. Not even the socket keeps their order: where it is full, RabbitMQ may
 * send a message of one channel before a record that another channel had waiting.
 */
export class RoundTrips {
  readonly #settings: RoundTripSettings
  readonly #timer: ReturnType<typeof setInterval>
  #answeredAt = -Infinity
  #isAsking = false

  constructor(settings: RoundTripSettings) {
    this.#settings = settings
    this.#timer = setInterval(() => void this.#ask(), settings.everyMs).unref()
  }

  /** When the last answered question was asked: earlier records were read. Milliseconds since the epoch. */
  get answeredAt(): number {
    return this.#answeredAt
  }

  /** The question may also be another one. */
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

import type { Clock } from '../base/clock.js'
import { errorText } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Arrival } from '../broker.js'

export interface UnreadableTicksSettings {
  readonly clock: Clock
  readonly logger: Logger
  /** Lets another ticker become the active one. Resolves when nothing more arrives here. */
  readonly handOver: () => Promise<void>
  /** Sends a message again, so that it comes back after so many milliseconds. Resolves when it waits. */
  readonly putOff: (arrival: Arrival, ms: number) => Promise<void>
}

/** Before the queue is handed over, and before it is handed over again: nobody else may be able to read them. */
const HOLD_MS = { first: 30_000, later: 300_000 }
/** Without any for so long, the next one is a first one. */
const FORGOTTEN_MS = 1_800_000
/** At a time: more would keep those that can be read from coming. */
const MOST_HELD = 100
const PUT_OFF_MS = 60_000

/**
 * The messages in the queue of ticks that this version cannot read, such as ticks of a later one. They are held, and given back when
 * another ticker becomes the active one, which may be of that version. Where there are many, and no other ticker, they are sent
 * again, so that the others come through. None is dropped.
 */
export class UnreadableTicks {
  readonly #settings: UnreadableTicksSettings
  #held: Arrival[] = []
  #handedOverAt = -Infinity
  #cancel: (() => void) | undefined
  #isClosed = false

  constructor(settings: UnreadableTicksSettings) {
    this.#settings = settings
  }

  add(arrival: Arrival): void {
    if (this.#isClosed) return
    const { clock } = this.#settings
    const isFirst = clock.monotonic() - this.#handedOverAt > FORGOTTEN_MS
    if (this.#held.length >= MOST_HELD && !isFirst) return void this.#putOff(arrival)
    this.#held.push(arrival)
    if (this.#held.length > MOST_HELD) return void this.#handOver()
    this.#cancel ??= clock.after(isFirst ? HOLD_MS.first : HOLD_MS.later, () => void this.#handOver())
  }

  /** They come again to another ticker, as everything that is not acked when the channel closes. */
  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  async #handOver(): Promise<void> {
    const { clock, handOver } = this.#settings
    this.#handedOverAt = clock.monotonic()
    await handOver()
    this.#cancel?.()
    this.#cancel = undefined
    for (const arrival of this.#held.splice(0)) arrival.requeue()
  }

  async #putOff(arrival: Arrival): Promise<void> {
    const { putOff, logger } = this.#settings
    try {
      await putOff(arrival, PUT_OFF_MS)
      arrival.ack()
    } catch (error) {
      this.#held.push(arrival)
      logger.debug('a message in the queue of ticks was not put off', { error: errorText(error) })
    }
  }
}

import { BoundedPauses } from '../base/bounded-pauses.js'
import type { Timeline } from '../base/clock.js'
import { DueQueue } from '../base/due-queue.js'
import type { Arrival, Subscription } from '../broker.js'
import { closeInTime } from '../amqp/connection/close-in-time.js'
import { forward, type ForwardWaits, type Route } from './forward.js'

export interface ForwarderSettings {
  /** The wall clock, for holds. */
  clock: Timeline
  /** How an arrival is decided. */
  route: (arrival: Arrival) => Route
  /** Messages that pause at a time; where one more pauses, the oldest goes on. @default no limit */
  maxPausing?: number | undefined
  /** Milliseconds for the messages that are under way when it closes. @default 3000 */
  closeMs?: number | undefined
}

/**
 * Forwards the messages of one subscription: acks each when its new copy is safe, and gives back the others. Closing ends
 * pauses and holds, so that their messages go back to the queue.
 */
export class Forwarder {
  readonly #settings: ForwarderSettings
  readonly #underWay = new Set<Promise<void>>()
  readonly #pauses: BoundedPauses
  readonly #holds: DueQueue<() => void>
  readonly #waits: ForwardWaits
  #subscription: Subscription | undefined
  #closing = false
  #cancelling: Promise<void> | undefined

  constructor(settings: ForwarderSettings) {
    this.#settings = settings
    this.#pauses = new BoundedPauses(settings.maxPausing ?? Infinity)
    this.#holds = new DueQueue(settings.clock, (end) => end())
    this.#waits = {
      pause: (ms) => this.pause(ms),
      hold: (until) => this.#hold(until),
      isClosing: () => this.#closing,
    }
  }

  get isClosing(): boolean {
    return this.#closing
  }

  /** Messages that are held now. */
  get held(): number {
    return this.#holds.size
  }

  /** @param subscribe starts the subscription with the listener that it is given */
  async start(subscribe: (listener: (arrival: Arrival) => void) => Promise<Subscription>): Promise<void> {
    this.#subscription = await subscribe((arrival) => {
      const work = this.#take(arrival).finally(() => this.#underWay.delete(work))
      this.#underWay.add(work)
    })
  }

  /** Resolves after `ms`, or earlier when it closes or too many others pause. */
  async pause(ms: number): Promise<void> {
    if (!this.#closing) await this.#pauses.take(ms)
  }

  /** Resolves when no message is under way, or when the time for it is over. */
  async close(): Promise<void> {
    this.#closing = true
    this.#cancelling = this.#subscription?.cancel()
    this.#pauses.end()
    for (const end of this.#holds.clear()) end()
    await this.#cancelling
    await closeInTime(Promise.all(this.#underWay), this.#settings.closeMs)
    await this.#subscription?.close()
  }

  /** Never rejects. */
  async #take(arrival: Arrival): Promise<void> {
    const outcome = await forward(arrival, this.#settings.route(arrival), this.#waits)
    if (outcome !== undefined) return arrival.ack()
    // While the subscription still receives, the message would arrive here again.
    await this.#cancelling
    arrival.requeue()
  }

  async #hold(until: number): Promise<void> {
    if (!this.#closing) await new Promise<void>((resolve) => this.#holds.add(resolve, until))
  }
}

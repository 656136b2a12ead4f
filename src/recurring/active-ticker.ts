import { abortablePause } from '../base/abortable-pause.js'
import { backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import { errorText, isDuequeError, type DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Arrival } from '../broker.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { REPAIR_EVERY_MS } from './send-missing-ticks.js'
import { bookmarkOf, helloOf } from './ticker-marks.js'

export interface ActiveTickerSettings {
  /** The queue of ticks. */
  readonly queue: string
  readonly clock: Clock
  readonly logger: Logger
  readonly onError: (error: DuequeError) => void
  /** Publishes into the queue of ticks. Resolves when the message is safe there. */
  readonly publish: (message: DelayedMessage) => Promise<void>
  /** Sends every missing tick. @param stopIf throws when it is to end */
  readonly repair: (stopIf: () => void) => Promise<number>
  /** Aborted when it closes. */
  readonly closing: AbortSignal
}

/**
 * How long the bookmark is held before it is replaced: RabbitMQ 3.10 closes a channel that holds a message for 30 minutes.
 * Until then every ack is a frame of its own, and is remembered: so it is replaced after so many of them, too.
 */
const BOOKMARK_MS = 300_000
const BOOKMARK_ACKS = 5000
/** A hello that was lost with its queue comes again by that time. */
const HELLO_MS = 3_600_000
/** Thrown to end a repair whose hello comes again. */
const GONE = new Error('the hello comes again')

/**
 * Knows whether ticks may be lost, by a message of its own in the queue of ticks: the bookmark. The active ticker holds it unacked. If
 * the process ends or its connection is lost, the successor gets it, in front of all ticks. A ticker that gets its hello and
 * no bookmark has found a new, a purged or a lost queue: it sends every missing tick before it acks the hello.
 */
export class ActiveTicker {
  readonly #settings: ActiveTickerSettings
  #bookmark: { readonly arrival: Arrival; readonly repairedAt: number } | undefined
  /** Whose repair is under way. */
  #hello: Arrival | undefined
  /** Beside a hello: because the last repair was long ago. */
  #isRepairing = false
  #acks = 0
  #isReplacing = false
  #timers: readonly ReturnType<typeof setInterval>[] | undefined

  constructor(settings: ActiveTickerSettings) {
    this.#settings = settings
  }

  /** When every missing tick was last sent, in milliseconds since the epoch; undefined if this ticker has no bookmark. */
  get repairedAt(): number | undefined {
    return this.#bookmark?.arrival.live ? this.#bookmark.repairedAt : undefined
  }

  /** Called behind each start of the subscription. */
  subscribed(): void {
    this.#timers ??= [every(BOOKMARK_MS, () => this.#look()), every(HELLO_MS, () => this.#sayHello())]
    this.#sayHello()
  }

  /** Of several bookmarks the newest is kept. */
  bookmarkArrived(arrival: Arrival, repairedAt: number): void {
    const before = this.#bookmark?.arrival.live ? this.#bookmark : undefined
    if (before && before.repairedAt > repairedAt) return arrival.ack()
    this.#bookmark = { arrival, repairedAt }
    this.#hello = undefined
    this.#acks = 0
    before?.arrival.ack()
    this.#repairIfDue()
  }

  helloArrived(arrival: Arrival): void {
    // The bookmark of a repair that has ended is still on its way.
    if (this.repairedAt !== undefined || this.#hello?.live) return arrival.ack()
    this.#hello = arrival
    void this.#repairFor(arrival)
  }

  /** A tick was acked. */
  acked(): void {
    if (++this.#acks >= BOOKMARK_ACKS) this.#replace()
  }

  /** Leaves the bookmark to the successor, as the channel stays. */
  giveBack(): void {
    this.#bookmark?.arrival.requeue()
    this.#hello?.requeue()
    this.#bookmark = this.#hello = undefined
  }

  close(): void {
    for (const timer of this.#timers ?? []) clearInterval(timer)
  }

  /** One that fails leaves the rest to the next one. */
  #sayHello(): void {
    const { queue, clock } = this.#settings
    this.#publish(helloOf(queue, clock.now())).catch((error: unknown) => this.#failed('say hello', error))
  }

  /** A repair that takes long, or fails again and again, does not keep the bookmark from being replaced. */
  #look(): void {
    this.#repairIfDue()
    this.#replace()
  }

  #repairIfDue(): void {
    const { repairedAt } = this
    // The clock may have been set.
    const isDue = repairedAt !== undefined && Math.abs(this.#settings.clock.now() - repairedAt) >= REPAIR_EVERY_MS
    if (!isDue || this.#isRepairing) return
    this.#isRepairing = true
    this.#repair(this.#bookmark!.arrival)
      .catch((error: unknown) => this.#failed('send missing ticks', error))
      .finally(() => (this.#isRepairing = false))
  }

  #replace(): void {
    const { repairedAt } = this
    if (repairedAt === undefined || this.#isReplacing) return
    this.#isReplacing = true
    this.#acks = 0
    const { queue, clock } = this.#settings
    this.#publish(bookmarkOf(repairedAt, queue, clock.now()))
      .catch((error: unknown) => this.#failed('replace the bookmark', error))
      .finally(() => (this.#isReplacing = false))
  }

  /** Until it succeeds, or the hello comes again. Never rejects. */
  async #repairFor(hello: Arrival): Promise<void> {
    const { closing, clock } = this.#settings
    for (let attempt = 0; hello.live && !closing.aborted; attempt++) {
      try {
        await this.#repair(hello)
        return hello.ack()
      } catch (error) {
        if (error === GONE) return
        this.#failed('send missing ticks', error)
      }
      await abortablePause((end) => clock.after(backoff(attempt, { maxMs: 30_000 }), end), closing)
    }
  }

  /** @param mark as long as it is live, this ticker is the active one */
  async #repair(mark: Arrival): Promise<void> {
    const { repair, clock, queue, logger, closing } = this.#settings
    const startedAt = clock.now()
    const stopIf = () => {
      if (!mark.live || closing.aborted) throw GONE
    }
    const sent = await repair(stopIf)
    stopIf()
    await this.#publish(bookmarkOf(startedAt, queue, clock.now()))
    logger.info('sent the ticks of recurring messages that may be missing', { sent })
  }

  async #publish(message: DelayedMessage): Promise<void> {
    if (this.#settings.closing.aborted) throw GONE
    await this.#settings.publish(message)
  }

  #failed(what: string, error: unknown): void {
    const { logger, onError, closing } = this.#settings
    if (error === GONE || closing.aborted) return
    logger.warn(`the ticker of recurring messages could not ${what}`, { error: errorText(error) })
    if (isDuequeError(error)) onError(error)
  }
}

function every(ms: number, work: () => void): ReturnType<typeof setInterval> {
  return setInterval(work, ms).unref()
}

import { setMaxListeners } from 'node:events'
import { closeInTime } from '../amqp/connection/close-in-time.js'
import { abortablePause } from '../base/abortable-pause.js'
import type { Clock } from '../base/clock.js'
import { DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { inNoContext } from '../base/no-context.js'
import { endsWithin } from '../base/time-limit.js'
import type { Arrival, Subscription } from '../broker.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { RecurringDefinitions } from '../strategies/recurring-definitions.js'
import type { Strategy } from '../strategies/strategy.js'
import type { TelemetryHooks } from '../telemetry/hooks.js'
import { ActiveTicker } from './active-ticker.js'
import { HandledTimes } from './handled-times.js'
import { OccurrenceSender } from './occurrence-sender.js'
import { sendMissingTicks } from './send-missing-ticks.js'
import { readTick, type Tick, type TickRoute } from './tick.js'
import { TickHandling, type TickOutcome } from './tick-handling.js'
import { readMark } from './ticker-marks.js'

export interface TickerSettings {
  readonly strategy: Strategy
  readonly definitions: RecurringDefinitions
  /** The queue of ticks. */
  readonly queue: string
  readonly clock: Clock
  readonly logger: Logger
  readonly hooks: TelemetryHooks | undefined
  readonly onError: (error: DuequeError) => void
  /** Publishes into the queue of ticks. Without it, the queue cannot lose anything. */
  readonly publish?: ((message: DelayedMessage, signal: AbortSignal) => Promise<void>) | undefined
}

/** Ticks that are handled at a time. Those of one schedule are handled one after the other. */
export const TICKER_PREFETCH = 500
/** More messages that this version cannot read than this make it step back. */
const MOST_UNREADABLE = 100
/** Before a message that this version cannot read goes back to the queue, and as long as it steps back. */
const UNREADABLE_MS = 30_000

/**
 * Handles the ticks of all recurring messages of a namespace, while its subscription is the active one of the queue of ticks. A
 * tick is acked when all that follows from it waits. What this version cannot read goes back to the queue. If too much of it comes, or
 * if the user lacks a right, the ticker steps back, so that another one becomes the active one.
 */
export class Ticker {
  readonly #settings: TickerSettings
  readonly #handling: TickHandling
  readonly #active: ActiveTicker | undefined
  readonly #closing = new AbortController()
  readonly #abandon = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  #subscription: Subscription | undefined
  /** Since the subscription was last started. */
  #hasArrived = false
  #unreadable = 0
  /** Until it comes back. */
  #steppingBack: Promise<void> | undefined

  constructor(settings: TickerSettings) {
    const { strategy, definitions, queue, clock, logger, onError, publish } = settings
    this.#settings = settings
    const [closing, abandon] = [this.#closing.signal, this.#abandon.signal]
    for (const signal of [closing, abandon]) setMaxListeners(0, signal)
    const handled = new HandledTimes()
    const route: TickRoute = { strategy, queue, now: () => clock.now() }
    const occurrences = new OccurrenceSender(settings)
    this.#handling = new TickHandling({
      ...{ strategy, definitions, route, occurrences, handled, clock, logger, onError, closing, abandon },
    })
    const missing = { definitions, route, handled, logger, onError }
    this.#active =
      publish &&
      new ActiveTicker({
        ...{ queue, clock, logger, onError, closing },
        publish: (message) => publish(message, closing),
        repair: (stopIf) => sendMissingTicks(missing, { signal: closing }, stopIf),
      })
  }

  /** Whether its subscription is the active one: it has got something. */
  get isActive(): boolean {
    return this.#hasArrived
  }

  /** When every missing tick was last sent, if this ticker is the active one: milliseconds since the epoch. */
  get repairedAt(): number | undefined {
    return this.#active?.repairedAt
  }

  /** @param subscribe starts the subscription; calls `started` behind each start of it */
  async start(
    subscribe: (listener: (arrival: Arrival) => void, started: () => void) => Promise<Subscription>,
  ): Promise<void> {
    const listener = (arrival: Arrival) => inNoContext(() => this.#arrived(arrival))
    const subscription = await subscribe(listener, () => this.#started())
    if (this.#closing.signal.aborted) {
      await subscription.close()
      throw new DuequeError('CLOSED', 'dueque is closed', {})
    }
    this.#subscription = subscription
  }

  /**
   * Takes no more ticks, and finishes those that are under way. What is not finished comes again to the successor, as does the
   * bookmark.
   */
  async close(ms: number): Promise<void> {
    this.#closing.abort()
    this.#active?.close()
    await this.#subscription?.cancel()
    if (!(await endsWithin(Promise.all(this.#underWay), ms))) this.#abandon.abort()
    await closeInTime(this.#subscription?.close())
  }

  #started(): void {
    this.#hasArrived = false
    inNoContext(() => this.#active?.subscribed())
  }

  #arrived(arrival: Arrival): void {
    // It comes again, as everything else that is not acked when the channel closes.
    if (this.#closing.signal.aborted) return
    this.#hasArrived = true
    const tick = readTick(arrival)
    const mark = tick ? undefined : readMark(arrival)
    if (mark && !this.#active) return arrival.ack()
    if (mark?.kind === 'bookmark') return this.#active!.bookmarkArrived(arrival, mark.repairedAt)
    if (mark?.kind === 'hello') return this.#active!.helloArrived(arrival)
    const work: Promise<void> = this.#take(arrival, tick).finally(() => this.#underWay.delete(work))
    this.#underWay.add(work)
  }

  /** Never rejects. */
  async #take(arrival: Arrival, tick: Tick | undefined): Promise<void> {
    const outcome: TickOutcome = tick ? await this.#handling.run(arrival, tick) : 'unreadable'
    if (outcome === 'comes again') return
    if (outcome === 'not allowed') this.#stepBack()
    if (outcome !== 'ack') return this.#giveBack(arrival)
    arrival.ack()
    this.#active?.acked()
  }

  async #giveBack(arrival: Arrival): Promise<void> {
    this.#unreadable++
    if (this.#unreadable > MOST_UNREADABLE) this.#stepBack()
    await (this.#steppingBack ?? this.#pause())
    this.#unreadable--
    if (!this.#closing.signal.aborted) arrival.requeue()
  }

  /** Lets another ticker become the active one. Once, however many of its messages ask for it. */
  #stepBack(): void {
    this.#steppingBack ??= this.#stepAside()
  }

  async #stepAside(): Promise<void> {
    const { logger } = this.#settings
    logger.warn('ticks of recurring messages cannot be handled here: left to the ticker of another process')
    await this.#subscription?.pause()
    this.#hasArrived = false
    this.#active?.giveBack()
    void this.#comeBack()
  }

  async #comeBack(): Promise<void> {
    await this.#pause()
    this.#steppingBack = undefined
    if (this.#closing.signal.aborted) return
    await this.#subscription?.resume()
    this.#started()
  }

  /** Or until it closes. */
  async #pause(): Promise<void> {
    await abortablePause((end) => this.#settings.clock.after(UNREADABLE_MS, end), this.#closing.signal)
  }
}

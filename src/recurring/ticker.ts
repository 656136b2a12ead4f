import { setMaxListeners } from 'node:events'
import { closeInTime } from '../amqp/connection/close-in-time.js'
import { abortablePause } from '../base/abortable-pause.js'
import type { Clock } from '../base/clock.js'
import { DuequeError, errorText, isDuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { inNoContext } from '../base/no-context.js'
import { endsWithin } from '../base/time-limit.js'
import type { Arrival, Subscription } from '../broker.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { decodeEnvelope, sentOn } from '../message/envelope.js'
import type { RecurringDefinitions } from '../strategies/recurring-definitions.js'
import type { Strategy } from '../strategies/strategy.js'
import type { TelemetryHooks } from '../telemetry/hooks.js'
import { ActiveTicker } from './active-ticker.js'
import { HandledTimes } from './handled-times.js'
import { OccurrenceSender } from './occurrence-sender.js'
import { sendMissingTicks, type SentTicks } from './send-missing-ticks.js'
import { isDenied, Standstill } from './standstill.js'
import { readTick, type Tick, type TickRoute } from './tick.js'
import { MOST_HELD, TickHandling } from './tick-handling.js'
import { readMark } from './ticker-marks.js'
import { TICKER_TIMES, type TickerTimes } from './ticker-times.js'
import { UnreadableTicks } from './unreadable-ticks.js'

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
  readonly times?: Partial<TickerTimes> | undefined
}

/** Ticks that are handled at a time, with those that are held. Those of one schedule are handled one after the other. */
export const TICKER_PREFETCH = MOST_HELD + 500

/**
 * Handles the ticks of all recurring messages of a namespace, while its subscription is the active one of the queue of ticks. A
 * tick is acked when all that follows from it waits. If the user lacks a right, or nothing succeeds for a minute, the ticker steps back:
 * another one becomes the active one.
 */
export class Ticker {
  readonly #settings: TickerSettings
  readonly #times: TickerTimes
  readonly #standstill: Standstill
  readonly #handling: TickHandling
  readonly #active: ActiveTicker | undefined
  readonly #unreadable: UnreadableTicks
  readonly #repair: (stopIf: () => void) => Promise<SentTicks>
  readonly #closing = new AbortController()
  readonly #abandon = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  #subscribing: Promise<Subscription> | undefined
  #subscription: Subscription | undefined
  #forgetClock: (() => void) | undefined
  /** Since the subscription was last started. */
  #hasArrived = false
  /** Until it has come back. Resolves when nothing more arrives. */
  #leaving: Promise<void> | undefined
  /** Ends its rest. */
  #rested = new AbortController()

  constructor(settings: TickerSettings) {
    const { strategy, definitions, queue, clock, logger, onError, publish, times } = settings
    this.#settings = settings
    this.#times = { ...TICKER_TIMES, ...times }
    const [closing, abandon] = [this.#closing.signal, this.#abandon.signal]
    for (const signal of [closing, abandon]) setMaxListeners(0, signal)
    const handled = new HandledTimes()
    const route: TickRoute = { strategy, queue, now: () => clock.now() }
    const stepBack = (error: unknown) => this.#stepBack(error)
    const standstill = new Standstill({ clock, patienceMs: this.#times.patienceMs, stepBack })
    this.#standstill = standstill
    const occurrences = new OccurrenceSender(settings)
    this.#handling = new TickHandling({
      ...{ strategy, definitions, route, occurrences, handled, standstill, clock, logger, onError, closing, abandon },
      tookOverAt: () => this.#active?.tookOverAt ?? -Infinity,
      windowMs: this.#times.windowMs,
    })
    const missing = { definitions, route, handled, logger, onError }
    this.#repair = (stopIf) => sendMissingTicks(missing, { signal: closing }, stopIf)
    this.#active =
      publish &&
      new ActiveTicker({
        ...{ queue, clock, logger, onError, closing, standstill, stepBack, times: this.#times, repair: this.#repair },
        forget: () => handled.clear(),
        publish: (message) => publish(message, closing),
      })
    const putOff = (arrival: Arrival, ms: number) => this.#sendLater(arrival, ms)
    this.#unreadable = new UnreadableTicks({ clock, logger, handOver: () => this.#leave(0), putOff })
  }

  /** Whether its subscription is the active one: it has got something. */
  get isActive(): boolean {
    return this.#hasArrived
  }

  /** Whether it leaves the queue of ticks to others, after it has stepped back. */
  get isAway(): boolean {
    return this.#leaving !== undefined && this.steppedBackAt !== undefined
  }

  /** When it last stepped back, if it has scheduled nothing since: milliseconds since the epoch. */
  get steppedBackAt(): number | undefined {
    return this.#standstill.steppedBackAt
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
    this.#subscribing = subscribe(listener, () => this.#started())
    const subscription = await this.#subscribing
    if (this.#closing.signal.aborted) {
      await subscription.close()
      throw new DuequeError('CLOSED', 'dueque is closed', {})
    }
    this.#subscription = subscription
    this.#forgetClock = this.#settings.clock.onStep((ms) => this.#clockSet(ms))
  }

  /**
   * Takes no more ticks, and finishes those that are under way. What is not finished comes again to the successor, as does the
   * bookmark.
   */
  async close(ms: number): Promise<void> {
    this.#closing.abort()
    this.#forgetClock?.()
    this.#active?.close()
    this.#unreadable.close()
    this.#handling.close()
    await this.#subscription?.cancel()
    // The ticks that are under way may take a while.
    this.#active?.giveBack()
    if (!(await endsWithin(Promise.all(this.#underWay), ms))) this.#abandon.abort()
    await closeInTime(this.#subscription?.close())
  }

  #started(): void {
    // On another connection, what has failed may succeed: a virtual host that is being deleted knows no rights.
    this.#rested.abort()
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
    if (!tick) return this.#unreadable.add(arrival)
    const work: Promise<void> = this.#take(arrival, tick).finally(() => this.#underWay.delete(work))
    this.#underWay.add(work)
  }

  /** Never rejects. */
  async #take(arrival: Arrival, tick: Tick): Promise<void> {
    const outcome = await this.#handling.run(arrival, tick)
    if (outcome === 'comes again') return
    if (outcome === 'unreadable') return this.#unreadable.add(arrival)
    if (outcome === 'failed') return this.#giveBack(arrival)
    arrival.ack()
    this.#active?.acked()
  }

  /** To another ticker. If this one goes on, a while later, behind those of other schedules: many that fail would keep them from coming. */
  async #giveBack(arrival: Arrival): Promise<void> {
    if (!this.#leaving && (await this.#sentLater(arrival, this.#times.restMs))) return arrival.ack()
    await (this.#leaving ?? this.#pause())
    if (!this.#closing.signal.aborted) arrival.requeue()
  }

  async #sentLater(arrival: Arrival, ms: number): Promise<boolean> {
    try {
      await this.#sendLater(arrival, ms)
      return true
    } catch (error) {
      this.#settings.logger.debug('a tick was not sent again', { error: errorText(error) })
      return false
    }
  }

  /** Once, however many of its messages fail. */
  #stepBack(error: unknown): void {
    if (this.#leaving) return
    if (this.steppedBackAt === undefined) this.#report(error)
    this.#standstill.steppedBack()
    void this.#leave(this.#times.restMs)
  }

  #report(error: unknown): void {
    const { logger, onError } = this.#settings
    const why = isDenied(error) ? 'it lacks a right' : `nothing succeeded for ${this.#times.patienceMs / 1000} s`
    const what = `the ticker of this process leaves recurring messages to those of other processes, because ${why}`
    logger.error(what, { error: errorText(error) })
    if (!isDuequeError(error)) return
    onError(new DuequeError(error.code, `${what}: ${error.message}`, error.data, { cause: error }))
  }

  /** Lets another ticker become the active one, if there is one: this subscription begins again behind the others. */
  #leave(restMs: number): Promise<void> {
    return (this.#leaving ??= this.#goAway(restMs))
  }

  async #goAway(restMs: number): Promise<void> {
    // The first messages come while it starts.
    const subscription = await this.#subscribing?.catch(() => undefined)
    await subscription?.pause()
    this.#hasArrived = false
    this.#active?.giveBack()
    void this.#comeBack(restMs)
  }

  async #comeBack(restMs: number): Promise<void> {
    this.#rested = new AbortController()
    if (restMs > 0) await this.#pause(AbortSignal.any([this.#rested.signal, this.#closing.signal]))
    if (!this.#closing.signal.aborted) await this.#subscription?.resume()
    this.#leaving = undefined
    if (!this.#closing.signal.aborted) this.#started()
  }

  /** Or until it closes. */
  async #pause(signal = this.#closing.signal): Promise<void> {
    await abortablePause((end) => this.#settings.clock.after(this.#times.restMs, end), signal)
  }

  /** A message that this version cannot read is sent again as it is. */
  async #sendLater(arrival: Arrival, ms: number): Promise<void> {
    const { strategy, clock, queue } = this.#settings
    const now = clock.now()
    const message = { ...sentOn(arrival, decodeEnvelope(arrival), { queue }, now), dueAt: now + ms }
    const options = { declare: false, bind: false, timeoutMs: Infinity, signal: this.#closing.signal }
    await strategy.schedule(message, options)
  }

  /** The clock was ahead, and has passed over times that are still to come. */
  #clockSet(ms: number): void {
    if (ms > 0 || !this.#hasArrived) return
    if (this.#active) return this.#active.repairNow()
    const stopIf = () => this.#closing.signal.throwIfAborted()
    this.#repair(stopIf).catch((error: unknown) => {
      this.#settings.logger.warn('ticks of recurring messages were not sent again', { error: errorText(error) })
    })
  }
}

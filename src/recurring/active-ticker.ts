import { abortablePause } from '../base/abortable-pause.js'
import { backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import { errorText, isDuequeError, type DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Arrival } from '../broker.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { SentTicks } from './send-missing-ticks.js'
import { isDenied, type Standstill } from './standstill.js'
import { bookmarkOf, helloOf } from './ticker-marks.js'
import type { TickerTimes } from './ticker-times.js'
import { PREDECESSOR_MS } from './times.js'

export interface ActiveTickerSettings {
  /** The queue of ticks. */
  readonly queue: string
  readonly clock: Clock
  readonly logger: Logger
  readonly onError: (error: DuequeError) => void
  /** Publishes into the queue of ticks. Resolves when the message is safe there. */
  readonly publish: (message: DelayedMessage) => Promise<void>
  /** Sends every missing tick. @param stopIf throws when it is to end */
  readonly repair: (stopIf: () => void) => Promise<SentTicks>
  /** Forgets what this ticker has handled: another one has sent every missing tick since. */
  readonly forget: () => void
  readonly standstill: Pick<Standstill, 'succeeded' | 'failed'>
  /** Without a bookmark it cannot be the active one. */
  readonly stepBack: (error: unknown) => void
  readonly times: Pick<TickerTimes, 'repairEveryMs' | 'bookmarkMs' | 'helloMs' | 'graceMs' | 'arrivalMs'>
  /** Aborted when it closes. */
  readonly closing: AbortSignal
}

/** As long as a bookmark is held, every ack is a frame of its own, and is remembered: so it is replaced after so many. */
const BOOKMARK_ACKS = 5000
/** Of the time between two repairs: a repair that is put off comes then, however often another ticker takes over. */
const LATEST = 1.5
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
  /** By the monotonic time: when a repair has published the bookmark that has not arrived. */
  #publishedAt: number | undefined
  #tookOverAt = -Infinity
  /** Of the last bookmark that was here, or was sent from here. */
  #knownRepairAt: number | undefined
  /** Another one each time that this ticker stops being the active one with its channel. */
  #term = {}
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

  /** When it last got the bookmark of a predecessor, by the wall clock: that one's occurrences may still wait. */
  get tookOverAt(): number {
    return this.#tookOverAt
  }

  /** Called behind each start of the subscription. */
  subscribed(): void {
    const { bookmarkMs, helloMs } = this.#settings.times
    this.#timers ??= [every(bookmarkMs, () => this.#look()), every(helloMs, () => this.#sayHello())]
    this.#publishedAt = undefined
    this.#sayHello()
  }

  /**
   * Of several bookmarks the newest is kept. One of a time to come is of a clock that was ahead.
   *
   * Its own one that comes again, after a lost connection, counts as that of a predecessor: another ticker may have had it meanwhile, and
   * nothing tells. That makes no copies and loses no time of a chain: a repair that is due is put off by six minutes, and a schedule
   * whose first tick was missing begins six minutes later.
   */
  bookmarkArrived(arrival: Arrival, repairedAt: number): void {
    const { clock, times } = this.#settings
    const rank = (at: number) => (at - clock.now() < times.repairEveryMs ? at : -Infinity)
    const before = this.#bookmark?.arrival.live ? this.#bookmark : undefined
    if (before && rank(before.repairedAt) > rank(repairedAt)) return arrival.ack()
    if (!before && this.#publishedAt === undefined) this.#tookOverAt = clock.now()
    // What was handled before that repair may be lost, and ticks that came since are no copies.
    if (!before && this.#knownRepairAt !== repairedAt) this.#settings.forget()
    this.#knownRepairAt = repairedAt
    this.#bookmark = { arrival, repairedAt }
    this.#publishedAt = undefined
    this.#acks = 0
    before?.arrival.ack()
    this.#repairIfDue()
  }

  helloArrived(arrival: Arrival): void {
    if (this.repairedAt !== undefined || this.#hello?.live || this.#isOnItsWay()) return arrival.ack()
    this.#hello = arrival
    void this.#repairUnlessKnown(arrival)
  }

  /** A tick was acked. */
  acked(): void {
    if (++this.#acks >= BOOKMARK_ACKS) this.#replace()
  }

  /** Leaves the bookmark to the successor, as the channel stays. */
  giveBack(): void {
    this.#bookmark?.arrival.requeue()
    this.#hello?.requeue()
    this.#bookmark = this.#hello = this.#publishedAt = undefined
    this.#term = {}
  }

  /** Sends every missing tick, if this ticker is the active one. */
  repairNow(): void {
    if (this.repairedAt === undefined || this.#isRepairing) return
    this.#isRepairing = true
    this.#repair(this.#bookmark!.arrival)
      .catch((error: unknown) => this.#failed('send missing ticks', error, true))
      .finally(() => (this.#isRepairing = false))
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
    const isLost = this.#publishedAt !== undefined && this.repairedAt === undefined && !this.#isOnItsWay()
    if (isLost && !this.#hello?.live) this.#sayHello()
  }

  /** The bookmark of a repair. Later, somebody has purged it. */
  #isOnItsWay(): boolean {
    const { clock, times } = this.#settings
    return this.#publishedAt !== undefined && clock.monotonic() - this.#publishedAt < times.arrivalMs
  }

  /** Not right after a predecessor: a repair would schedule once more what that one has scheduled. */
  #repairIfDue(): void {
    const { repairedAt } = this
    const { clock, times } = this.#settings
    if (repairedAt === undefined) return
    const now = clock.now()
    // The clock may have been set.
    const age = Math.abs(now - repairedAt) / times.repairEveryMs
    if (age >= (Math.abs(now - this.#tookOverAt) < PREDECESSOR_MS ? LATEST : 1)) this.repairNow()
  }

  #replace(): void {
    const { repairedAt } = this
    if (repairedAt === undefined || this.#isReplacing) return
    this.#isReplacing = true
    this.#acks = 0
    this.#publishBookmark(repairedAt)
      .catch((error: unknown) => this.#failed('replace the bookmark', error))
      .finally(() => (this.#isReplacing = false))
  }

  /** A predecessor that closes ends its AMQP consumer before it leaves its bookmark. Never rejects. */
  async #repairUnlessKnown(hello: Arrival): Promise<void> {
    const { closing, clock, times } = this.#settings
    if (times.graceMs > 0) await abortablePause((end) => clock.after(times.graceMs, end), closing)
    if (this.#hello !== hello || this.repairedAt === undefined) return this.#repairFor(hello)
    this.#hello = undefined
    hello.ack()
  }

  /** Until it succeeds, or the hello comes again. Never rejects. */
  async #repairFor(hello: Arrival): Promise<void> {
    const { closing, clock } = this.#settings
    for (let attempt = 0; hello.live && this.#hello === hello && !closing.aborted; attempt++) {
      try {
        await this.#repair(hello)
        // It may have been given back meanwhile.
        if (this.#hello !== hello) return
        this.#hello = undefined
        return hello.ack()
      } catch (error) {
        if (error === GONE) return
        this.#failed('send missing ticks', error, true)
      }
      await abortablePause((end) => clock.after(backoff(attempt, { maxMs: 30_000 }), end), closing)
    }
  }

  /** @param mark as long as it is live, and not given back, this ticker is the active one */
  async #repair(mark: Arrival): Promise<void> {
    const { repair, clock, logger, closing, standstill } = this.#settings
    const [startedAt, term] = [clock.now(), this.#term]
    const stopIf = () => {
      if (!mark.live || term !== this.#term || closing.aborted) throw GONE
    }
    const { sent, waiting } = await repair(stopIf)
    if (waiting > 0) standstill.succeeded()
    stopIf()
    this.#publishedAt = clock.monotonic()
    this.#knownRepairAt = startedAt
    await this.#publishBookmark(startedAt)
    // A long publish has taken of its time.
    if (this.#publishedAt !== undefined) this.#publishedAt = clock.monotonic()
    logger.info('sent the ticks of recurring messages that may be missing', { sent })
  }

  async #publishBookmark(repairedAt: number): Promise<void> {
    const { queue, clock, stepBack } = this.#settings
    try {
      await this.#publish(bookmarkOf(repairedAt, queue, clock.now()))
    } catch (error) {
      if (isDenied(error)) stepBack(error)
      throw error
    }
  }

  async #publish(message: DelayedMessage): Promise<void> {
    if (this.#settings.closing.aborted) throw GONE
    await this.#settings.publish(message)
  }

  /** @param isOfWork whether the active ticker gets nowhere by it */
  #failed(what: string, error: unknown, isOfWork = false): void {
    const { logger, onError, closing, standstill } = this.#settings
    if (error === GONE || closing.aborted) return
    logger.warn(`the ticker of recurring messages could not ${what}`, { error: errorText(error) })
    if (isDuequeError(error)) onError(error)
    if (isOfWork) standstill.failed(error)
  }
}

function every(ms: number, work: () => void): ReturnType<typeof setInterval> {
  return setInterval(work, ms).unref()
}

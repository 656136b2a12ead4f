import { abortablePause } from '../base/abortable-pause.js'
import { backoff } from '../base/backoff.js'
import { BoundedPauses } from '../base/bounded-pauses.js'
import type { Clock } from '../base/clock.js'
import { errorText, isDuequeError, type DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { throttle } from '../base/throttle.js'
import type { Arrival } from '../broker.js'
import { LONGEST_HOLD_MS } from '../message/put-back.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { DefinitionRecord, RecurringDefinitions } from '../strategies/recurring-definitions.js'
import type { Strategy } from '../strategies/strategy.js'
import { decodeDefinition, type RecurringDefinition } from './definition.js'
import type { HandledTimes } from './handled-times.js'
import type { OccurrenceSender } from './occurrence-sender.js'
import { isDenied, type Standstill } from './standstill.js'
import { sendTick, type Tick, type TickRoute } from './tick.js'
import {
  isFirstOfWindow,
  MOST_AHEAD_MS,
  nextTime,
  PREDECESSOR_MS,
  tickDue,
  timesOfTick,
  type TimesOfTick,
} from './times.js'

export interface TickHandlingSettings {
  readonly strategy: Strategy
  readonly definitions: RecurringDefinitions
  readonly route: TickRoute
  readonly occurrences: OccurrenceSender
  readonly handled: HandledTimes
  readonly standstill: Pick<Standstill, 'succeeded' | 'failed' | 'turn'>
  readonly clock: Clock
  readonly logger: Logger
  readonly onError: (error: DuequeError) => void
  /** Aborted when nothing more is to be begun. */
  readonly closing: AbortSignal
  /** Aborted when the time to close is over. */
  readonly abandon: AbortSignal
  /** When this ticker took over from another one, in milliseconds since the epoch. */
  readonly tookOverAt: () => number
  /** The times of one window are those of one tick. @default that of all tickers */
  readonly windowMs?: number | undefined
}

/**
 * `ack`: all that follows from the tick waits. `unreadable`: it is for another version. `failed`: it is for another process, or a
 * later time. `comes again`: the broker has taken it back, or does so when the channel closes.
 */
export type TickOutcome = 'ack' | 'unreadable' | 'failed' | 'comes again'

/** Occurrences of one tick on their way at a time. */
const SLICE = 100
/** A tick may come so much before an occurrence of its time can be cancelled: clocks differ. */
const EARLY_MS = 10_000
/** Ticks that are held for a moment until their occurrences are cheap. If there are more, the first ones are held no longer. */
export const MOST_HELD = 500
/** An occurrence that is due sooner is scheduled at once. */
const LEAST_WAIT_MS = 5000
/** From the end of a hold until occurrences are sent. The sender waits what is left of it: up to 9 ms. */
const SENDER_MS = { usual: 5, most: 9 }
/** Thrown to end the handling of a tick that comes again. */
const GONE = new Error('the tick comes again')
/** Thrown to end the handling of a tick that is to be given back. */
const FAILED = new Error('the tick is for another process, or a later time')
/** A process that died before it sent the first tick of a schedule is started again by then, and sends it. */
const STARTED_AGAIN_MS = 30_000
/** One tick is tried for so long, while others succeed: RabbitMQ 3.10 closes a channel that holds a message for 30 minutes. */
const TRIED_MS = 600_000

/**
 * Handles ticks: schedules the occurrences of a tick, then the next tick, and only then lets it be acked. A process that dies in
 * between leaves the tick to its successor. That one schedules the same again, under the same ids and revisions, so that
 * consumers tell the copies.
 */
export class TickHandling {
  readonly #settings: TickHandlingSettings
  /** The ticks of one schedule are handled one after the other, so that copies are told. */
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #holds = new BoundedPauses(MOST_HELD)
  readonly #isNews: (what: string) => boolean

  constructor(settings: TickHandlingSettings) {
    this.#settings = settings
    this.#isNews = throttle(settings.clock)
  }

  /** Never rejects. */
  async run(arrival: Pick<Arrival, 'live'>, tick: Tick): Promise<TickOutcome> {
    const before = this.#turns.get(tick.id)
    const turn = before ? before.then(() => this.#handle(arrival, tick)) : this.#handle(arrival, tick)
    this.#turns.set(tick.id, turn)
    const outcome = await turn
    if (this.#turns.get(tick.id) === turn) this.#turns.delete(tick.id)
    return outcome
  }

  /** Ticks that are held come again to the successor. */
  close(): void {
    this.#holds.end()
  }

  async #handle(arrival: Pick<Arrival, 'live'>, tick: Tick): Promise<TickOutcome> {
    try {
      const record = await this.#patiently(arrival, () => this.#recordOf(tick))
      if (!record) return 'ack'
      const definition = this.#decoded(record)
      if (!definition) return 'unreadable'
      await this.#pass(arrival, tick, definition)
      return 'ack'
    } catch (error) {
      if (error === FAILED) return 'failed'
      if (error !== GONE) throw error
      return 'comes again'
    }
  }

  /** The record that the tick belongs to; undefined if that one is not in force any more. */
  async #recordOf({ id, revision }: Tick): Promise<DefinitionRecord | undefined> {
    const { definitions, handled } = this.#settings
    const record = await definitions.get(id, revision)
    if (!record) handled.delete(id)
    return record?.revision === revision ? record : undefined
  }

  #decoded(record: DefinitionRecord): RecurringDefinition | undefined {
    try {
      return decodeDefinition(record)
    } catch (error) {
      const { id } = record
      if (this.#isNews('unreadable'))
        this.#settings.logger.warn('a recurring message cannot be read here', { id, error: errorText(error) })
      return undefined
    }
  }

  async #pass(arrival: Pick<Arrival, 'live'>, tick: Tick, definition: RecurringDefinition): Promise<void> {
    const { clock, handled, windowMs } = this.#settings
    if (definition.paused || handled.has(tick)) return
    if (this.#mayBeHandled(tick, definition)) return this.#beginBehind(arrival, definition)
    const earliest = tick.time - MOST_AHEAD_MS
    const earlyMs = earliest - clock.now()
    // Until so close to its due time that a strategy can make it wait, or because clocks differ.
    if (earlyMs > LONGEST_HOLD_MS)
      return this.#sendTick(arrival, definition, tick.time, Math.min(earlyMs / 2, LONGEST_HOLD_MS))
    if (earlyMs > EARLY_MS) await this.#held(earliest - EARLY_MS)
    const { run: all, next } = timesOfTick(definition, tick.time, clock.now(), windowMs)
    // A tick of a later time in the window may have come first: that of a repair, or of another change.
    const left = () => all.filter((time) => !handled.has({ ...tick, time }))
    await this.#untilCheap(definition, { run: left(), next })
    // Only now: the times that were handled may be lost meanwhile.
    const { losses } = handled
    const waiting = await this.#schedule(arrival, definition, left())
    if (!(await this.#isInForce(arrival, tick, waiting))) return
    if (next !== undefined) await this.#sendTick(arrival, definition, next)
    if (handled.losses === losses) handled.add(tick, next)
  }

  /** A tick that is most likely not missing, and whose occurrences the predecessor has scheduled. A store knows those that wait. */
  #mayBeHandled({ again, time }: Tick, definition: RecurringDefinition): boolean {
    const { strategy, clock, tookOverAt, windowMs } = this.#settings
    if (again !== true || strategy.waitlist) return false
    const at = tookOverAt()
    // The clock may have been set.
    const hasPredecessor = Math.abs(clock.now() - at) < PREDECESSOR_MS && definition.since < at - STARTED_AGAIN_MS
    const cameAfterwards = () =>
      tickDue(definition, time) > at + EARLY_MS && isFirstOfWindow(definition, time, windowMs)
    return hasPredecessor && !cameAfterwards()
  }

  /** With the first time that the predecessor cannot have scheduled. If the tick was not missing, this one is a copy of another. */
  async #beginBehind(arrival: Pick<Arrival, 'live'>, definition: RecurringDefinition): Promise<void> {
    const time = nextTime(definition, this.#settings.tookOverAt() + PREDECESSOR_MS)
    if (time !== undefined) await this.#sendTick(arrival, definition, time)
  }

  /** Until the occurrences can wait for whole steps of the strategy, if that makes nothing late. */
  async #untilCheap(definition: RecurringDefinition, { run: [first], next }: TimesOfTick): Promise<void> {
    const { strategy, clock, closing } = this.#settings
    const { stepMs } = strategy.limits
    if (stepMs === undefined || first === undefined || definition.jitterMs > 0) return
    const waitMs = first - clock.now()
    const isUrgent = waitMs < LEAST_WAIT_MS || (next !== undefined && tickDue(definition, next) < clock.now() + stepMs)
    if (isUrgent || waitMs % stepMs <= SENDER_MS.most) return
    await this.#holds.take((waitMs % stepMs) - SENDER_MS.usual)
    if (closing.aborted) throw GONE
  }

  /** @param holdMs for one that came before its time */
  async #sendTick(
    arrival: Pick<Arrival, 'live'>,
    definition: RecurringDefinition,
    time: number,
    holdMs?: number,
  ): Promise<void> {
    const { route, abandon } = this.#settings
    const options = { timeoutMs: Infinity, signal: abandon, holdMs }
    await this.#patiently(arrival, () => sendTick(route, definition, time, options))
    this.#succeeded(tickDue(definition, time))
  }

  /** A late message is sent at once instead of waiting, which may need neither the store nor a right that is missing. */
  #succeeded(dueAt: number): void {
    const { clock, standstill } = this.#settings
    if (dueAt > clock.now()) standstill.succeeded()
  }

  /** @returns the occurrences that wait */
  async #schedule(
    arrival: Pick<Arrival, 'live'>,
    definition: RecurringDefinition,
    times: readonly number[],
  ): Promise<DelayedMessage[]> {
    const { occurrences, abandon } = this.#settings
    const waiting: DelayedMessage[] = []
    const send = async (time: number) => {
      // One publish without a time limit: one that times out may be there all the same, and the next would be a copy.
      const options = { timeoutMs: Infinity, signal: abandon }
      const message = await this.#patiently(arrival, () => occurrences.send(definition, time, options))
      if (!message) return
      this.#succeeded(message.dueAt)
      waiting.push(message)
    }
    for (let done = 0; done < times.length; done += SLICE)
      await Promise.all(times.slice(done, done + SLICE).map((time) => send(time)))
    return waiting
  }

  /**
   * With a store, whoever changes the definition removes the occurrences that wait then. One that was scheduled a moment later
   * is removed here. Elsewhere consumers drop it.
   */
  async #isInForce(
    arrival: Pick<Arrival, 'live'>,
    { id, revision }: Tick,
    scheduled: readonly DelayedMessage[],
  ): Promise<boolean> {
    const { strategy, definitions } = this.#settings
    const { waitlist } = strategy
    if (!waitlist || scheduled.length === 0) return true
    const record = await this.#patiently(arrival, () => definitions.get(id))
    if (record?.revision === revision) return true
    for (const message of scheduled) await this.#patiently(arrival, () => waitlist.remove(message))
    return false
  }

  /**
   * Repeats what fails, as long as the tick is not taken back, and this ticker does not step back.
   *
   * @throws {@link GONE}, {@link FAILED}
   */
  async #patiently<T>(arrival: Pick<Arrival, 'live'>, work: () => Promise<T>): Promise<T> {
    const { clock, closing, abandon, standstill } = this.#settings
    const { turn } = standstill
    const until = clock.monotonic() + TRIED_MS
    for (let attempt = 0; ; attempt++) {
      if (!arrival.live || abandon.aborted) throw GONE
      try {
        return await work()
      } catch (error) {
        if (closing.aborted || isDuequeError(error, 'CLOSED')) throw GONE
        this.#report(error)
        standstill.failed(error)
        if (isDenied(error) || standstill.turn !== turn || clock.monotonic() >= until) throw FAILED
      }
      await abortablePause((end) => clock.after(backoff(attempt), end), closing)
    }
  }

  #report(error: unknown): void {
    const { logger, onError } = this.#settings
    if (!this.#isNews('failed')) return
    logger.warn('a tick of a recurring message could not be handled', { error: errorText(error) })
    if (isDuequeError(error)) onError(error)
  }

  async #held(until: number): Promise<void> {
    const { clock, closing } = this.#settings
    await abortablePause((end) => clock.at(until, end), closing)
    if (closing.aborted) throw GONE
  }
}

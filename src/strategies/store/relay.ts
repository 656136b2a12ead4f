import { Sleeper } from '../../base/sleeper.js'
import { backoff } from '../../base/backoff.js'
import type { Broker } from '../../broker.js'
import { monotonicOf, type Clock } from '../../base/clock.js'
import { destinationText } from '../../message/destination.js'
import { readyAt } from '../../message/delayed-message.js'
import { errorText, isDuequeError, isForEver, type DuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { inNoContext } from '../../base/no-context.js'
import { Batcher } from './batcher.js'
import { StoreClock } from './store-clock.js'
import { resolveRelay, type RelayOptions } from './relay-options.js'
import { Settlement } from './settlement.js'
import type { ClaimedMessage, MessageStore } from './message-store.js'

export interface RelayEnvironment {
  readonly broker: Broker
  readonly clock: Clock
  readonly logger: Logger
  readonly onError: (error: DuequeError) => void
}

export interface RelayStats {
  /** Messages that RabbitMQ has confirmed. */
  readonly relayed: number
  /** Claimed, and neither settled nor postponed. */
  readonly underWay: number
}

/** A message that waits again for so long. */
interface Postponed {
  readonly claimed: ClaimedMessage
  readonly inMs: number
}

/** How often the state of a lost or blocked connection is looked at. Sends nothing. */
const BROKER_LOOK_MS = 100
/** How long a destination that refuses messages is left alone. The others go on. */
const STALL_MS = 5000
/** A message that can never be published stays in the store, and is reported again: each pause twice as long. */
const UNPUBLISHABLE_MS = { least: 60_000, most: 3_600_000 }

/**
 * Moves due messages from a store into RabbitMQ: claims them, publishes them with confirms, settles the confirmed ones.
 * The store's clock decides which messages are due; the relay sleeps by monotonic time.
 * Many relays may share a store. The messages of a relay that died are claimed by another one when their leases end.
 *
 * | what happens                               | to the message                                             |
 * |--------------------------------------------|------------------------------------------------------------|
 * | confirmed                                  | settled: gone from the store                               |
 * | refused, so that it is certainly not there | waits again; its destination is left alone for 5 s         |
 * | can never be published, by its error      | waits again, a minute at first, an hour at most            |
 * | no answer within half of the lease         | claimed again when the lease is over: maybe a copy         |
 * | confirmed, but the store is away           | settled when it is back; claimed again if that is too late |
 * | RabbitMQ is away or blocked                | nothing more is claimed until it is back                   |
 */
export class Relay {
  readonly #store: MessageStore
  readonly #environment: RelayEnvironment
  readonly #options: ReturnType<typeof resolveRelay>
  readonly #sleeper: Sleeper
  readonly #storeClock: StoreClock
  readonly #settlement: Settlement
  readonly #postponements = new Batcher<Postponed>((batch) => this.#postponeAll(batch))
  /** For each destination, the monotonic time until which it is left alone. */
  readonly #stalled = new Map<string, number>()
  #underWay = 0
  #idle: (() => void) | undefined
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #isFull = false
  #relayed = 0
  #failures = 0
  /** When to claim next: at the earlier of the next two, by the store's clock, but not before this, by the other time. */
  #notBefore = -Infinity
  #nextAt = -Infinity
  /** When the earliest message is ready that was reported since the last claim began. */
  #heardOf = Infinity
  #unwatch: (() => void) | undefined

  constructor(store: MessageStore, environment: RelayEnvironment, options: RelayOptions) {
    this.#store = store
    this.#environment = environment
    this.#options = resolveRelay(options)
    this.#sleeper = new Sleeper(monotonicOf(environment.clock))
    this.#storeClock = new StoreClock(environment.clock)
    this.#settlement = new Settlement(store, {
      failed: (error) => this.#failed('settle', error),
      stopping: this.#stop.signal,
    })
  }

  start(): void {
    // The store's clock may be the same, or be set together with it.
    this.#unwatch ??= this.#environment.clock.onStep(() => {
      this.#nextAt = -Infinity
      this.#sleeper.wakeFor(this.#notBefore)
    })
    // Messages of many callers: none belongs to the one that has opened the connection.
    this.#running ??= inNoContext(() => this.#run())
  }

  /** A message waits that is ready then. */
  wake(readyAt: number): void {
    if (readyAt >= this.#heardOf) return
    this.#heardOf = readyAt
    this.#sleeper.wakeFor(Math.max(this.#storeClock.monotonicAt(readyAt), this.#notBefore))
  }

  /** This process has added a message that is ready then. */
  added(readyAt: number): void {
    if (!this.#store.keepsTime || readyAt <= this.#storeClock.now()) this.wake(readyAt)
  }

  stats(): RelayStats {
    return { relayed: this.#relayed, underWay: this.#underWay }
  }

  /** Stops claiming. Messages under way are published and settled, or left to their leases. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#unwatch?.()
    this.#sleeper.wakeFor()
    await this.#running
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  async #run(): Promise<void> {
    const { clock } = this.#environment
    while (!this.#stop.signal.aborted) {
      const now = clock.monotonic()
      const at = Math.max(this.#notBefore, this.#storeClock.monotonicAt(Math.min(this.#nextAt, this.#heardOf)))
      const limit = at > now ? 0 : this.#room()
      if (at > now) await this.#sleeper.wait(at)
      else if (limit > 0) await this.#claim(limit)
      else {
        this.#isFull = true
        await this.#sleeper.wait(now + BROKER_LOOK_MS)
        this.#isFull = false
      }
    }
  }

  /** For how many messages there is room; none while RabbitMQ takes none. A small claim costs as much as a large one. */
  #room(): number {
    const { batch, maxInFlight } = this.#options
    const room = maxInFlight - this.#underWay
    if (room < Math.min(batch, maxInFlight / 2)) return 0
    return this.#environment.broker.health().producer === 'up' ? Math.min(room, batch) : 0
  }

  /** Never rejects. */
  async #claim(limit: number): Promise<void> {
    const { clock } = this.#environment
    const { backstopMs, leaseMs, ratePerSecond } = this.#options
    this.#heardOf = Infinity
    const startedAt = clock.monotonic()
    try {
      const { now, claimed, nextAt = Infinity } = await this.#store.claim({ limit, leaseMs })
      this.#storeClock.answered(now, startedAt)
      this.#failures = 0
      for (const one of claimed) this.#take(one)
      const isAll = claimed.length < limit
      this.#notBefore = startedAt + Math.max(isAll ? this.#store.spacingMs : 0, (claimed.length * 1000) / ratePerSecond)
      this.#nextAt = isAll ? Math.min(nextAt, now + backstopMs) : -Infinity
    } catch (error) {
      this.#failed('claim', error)
      this.#notBefore = startedAt + backoff(this.#failures, { baseMs: 50 })
      this.#nextAt = -Infinity
    }
  }

  #take(claimed: ClaimedMessage): void {
    this.#underWay++
    void this.#publish(claimed)
      // It may have arrived: only its lease decides when it is tried again.
      .catch((error: unknown) => this.#failed('hand over', error))
      .finally(() => this.#done())
  }

  #done(): void {
    this.#underWay--
    if (this.#isFull && this.#room() > 0) this.#sleeper.wakeFor()
    if (this.#underWay === 0) this.#idle?.()
  }

  async #publish(claimed: ClaimedMessage): Promise<void> {
    const { broker, clock } = this.#environment
    const to = destinationText(claimed.message.destination)
    if ((this.#stalled.get(to) ?? -Infinity) > clock.monotonic()) return this.#postpone(claimed, STALL_MS)
    try {
      const timeoutMs = this.#options.leaseMs / 2
      await broker.deliver(claimed.message, { declare: false, bind: false, timeoutMs })
    } catch (error) {
      return this.#refused(claimed, to, error)
    }
    this.#stalled.delete(to)
    this.#relayed++
    await this.#settlement.settle(claimed)
  }

  async #refused(claimed: ClaimedMessage, to: string, error: unknown): Promise<void> {
    const { clock, logger, onError } = this.#environment
    logger.warn('could not hand over a due message', { id: claimed.message.id, to, error: errorText(error) })
    if (isForEver(error)) {
      onError(error)
      return this.#postpone(claimed, unpublishableWait(this.#storeClock.now() - readyAt(claimed.message)))
    }
    // It may have arrived: only its lease decides when it is tried again.
    if (!isDuequeError(error) || error.outcome === 'unknown') return
    if (error.code === 'CLOSED') return this.#postpone(claimed, 0)
    this.#stalled.set(to, clock.monotonic() + STALL_MS)
    return this.#postpone(claimed, STALL_MS)
  }

  #postpone(claimed: ClaimedMessage, inMs: number): Promise<void> {
    return this.#postponements.add({ claimed, inMs })
  }

  /** Never rejects: if the store fails, their leases decide. */
  async #postponeAll(batch: readonly Postponed[]): Promise<void> {
    for (const inMs of new Set(batch.map((one) => one.inMs))) {
      const claimed = batch.filter((one) => one.inMs === inMs).map((one) => one.claimed)
      try {
        // Stores keep whole milliseconds.
        await this.#store.postpone(claimed, Math.ceil(this.#storeClock.now() + inMs))
      } catch (error) {
        this.#failed('postpone', error)
      }
    }
  }

  /** Logs once for each outage. */
  #failed(what: string, error: unknown): void {
    const { logger, onError } = this.#environment
    this.#failures++
    logger.warn(`the relay could not ${what}`, { store: this.#store.name, error: errorText(error) })
    if (this.#failures === 1 && isDuequeError(error)) onError(error)
  }
}

/** As long as it has been overdue, which doubles each time. Milliseconds. */
export function unpublishableWait(overdueMs: number): number {
  return Math.min(Math.max(overdueMs, UNPUBLISHABLE_MS.least), UNPUBLISHABLE_MS.most)
}

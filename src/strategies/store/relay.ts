import { Sleeper } from '../../base/sleeper.js'
import { backoff } from '../../base/backoff.js'
import type { Broker } from '../../broker.js'
import { monotonicOf, type Clock } from '../../base/clock.js'
import { destinationText } from '../../message/destination.js'
import { readyAt } from '../../message/delayed-message.js'
import { errorText, isDuequeError, isForEver, type DuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { Batches } from './batches.js'
import { StoreTime } from './store-time.js'
import { resolveRelay, type RelayOptions } from './relay-options.js'
import { Settler } from './settler.js'
import type { Claimed, Store } from './store.js'

export interface RelayEnvironment {
  readonly broker: Broker
  readonly clock: Clock
  readonly logger: Logger
  readonly onError: (error: DuequeError) => void
}

export interface RelayStats {
  /** Messages that RabbitMQ has confirmed. */
  readonly relayed: number
  /** Claimed, and neither settled nor given back. */
  readonly underWay: number
}

/** What is to wait again, and for how long. */
interface Release {
  readonly claimed: Claimed
  readonly inMs: number
}

/** How often a broker that is away or blocked is looked at. Asks nobody. */
const BROKER_LOOK_MS = 100
/** A destination that does not take messages is left alone for so long, and everybody else goes on. */
const STALL_MS = 5000
/** What can never be published stays where it is, and is said again: twice as late each time. */
const HOPELESS_MS = { least: 60_000, most: 3_600_000 }

/**
 * Moves due messages from a store into RabbitMQ: claims them, publishes them with confirms, settles what was confirmed. What
 * is due, the store's clock decides; the relay sleeps and waits by a time that only goes on.
 * Many relays may share a store. What a relay had claimed when it died is claimed by another after its lease.
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
  readonly #store: Store
  readonly #environment: RelayEnvironment
  readonly #options: ReturnType<typeof resolveRelay>
  readonly #alarm: Sleeper
  readonly #storeTime: StoreTime
  readonly #settler: Settler
  readonly #releases = new Batches<Release>((batch) => this.#releaseAll(batch))
  /** By destination: until when it is left alone, by the time that only goes on. */
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
  /** The earliest that was said to wait since the last claim began. */
  #heardOf = Infinity
  #unwatch: (() => void) | undefined

  constructor(store: Store, environment: RelayEnvironment, options: RelayOptions) {
    this.#store = store
    this.#environment = environment
    this.#options = resolveRelay(options)
    this.#alarm = new Sleeper(monotonicOf(environment.clock))
    this.#storeTime = new StoreTime(environment.clock)
    this.#settler = new Settler(store, {
      failed: (error) => this.#failed('settle', error),
      stopping: this.#stop.signal,
    })
  }

  start(): void {
    // The store's clock may be the same, or be set together with it.
    this.#unwatch ??= this.#environment.clock.onStep(() => {
      this.#nextAt = -Infinity
      this.#alarm.wakeFor(this.#notBefore)
    })
    this.#running ??= this.#run()
  }

  /** Something waits that is ready then. */
  wake(readyAt: number): void {
    if (readyAt >= this.#heardOf) return
    this.#heardOf = readyAt
    this.#alarm.wakeFor(Math.max(this.#storeTime.monotonicAt(readyAt), this.#notBefore))
  }

  /** This process has made something wait that is ready then. */
  added(readyAt: number): void {
    if (!this.#store.keepsTime || readyAt <= this.#storeTime.now()) this.wake(readyAt)
  }

  stats(): RelayStats {
    return { relayed: this.#relayed, underWay: this.#underWay }
  }

  /** Claims nothing more. What is under way is published and settled, or left to its lease. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#unwatch?.()
    this.#alarm.wakeFor()
    await this.#running
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  async #run(): Promise<void> {
    const { clock } = this.#environment
    while (!this.#stop.signal.aborted) {
      const now = clock.monotonic()
      const at = Math.max(this.#notBefore, this.#storeTime.monotonicAt(Math.min(this.#nextAt, this.#heardOf)))
      const limit = at > now ? 0 : this.#room()
      if (at > now) await this.#alarm.wait(at)
      else if (limit > 0) await this.#claim(limit)
      else {
        this.#isFull = true
        await this.#alarm.wait(now + BROKER_LOOK_MS)
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
      this.#storeTime.answered(now, startedAt)
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

  #take(claimed: Claimed): void {
    this.#underWay++
    void this.#publish(claimed)
      // It may have arrived: only its lease decides when it is tried again.
      .catch((error: unknown) => this.#failed('hand over', error))
      .finally(() => this.#done())
  }

  #done(): void {
    this.#underWay--
    if (this.#isFull && this.#room() > 0) this.#alarm.wakeFor()
    if (this.#underWay === 0) this.#idle?.()
  }

  async #publish(claimed: Claimed): Promise<void> {
    const { broker, clock } = this.#environment
    const to = destinationText(claimed.message.destination)
    if ((this.#stalled.get(to) ?? -Infinity) > clock.monotonic()) return this.#release(claimed, STALL_MS)
    try {
      const timeoutMs = this.#options.leaseMs / 2
      await broker.deliver(claimed.message, { declare: false, bind: false, timeoutMs })
    } catch (error) {
      return this.#refused(claimed, to, error)
    }
    this.#stalled.delete(to)
    this.#relayed++
    await this.#settler.settle(claimed)
  }

  async #refused(claimed: Claimed, to: string, error: unknown): Promise<void> {
    const { clock, logger, onError } = this.#environment
    logger.warn('could not hand over a due message', { id: claimed.message.id, to, error: errorText(error) })
    if (isForEver(error)) {
      onError(error)
      return this.#release(claimed, hopelessWait(this.#storeTime.now() - readyAt(claimed.message)))
    }
    // It may have arrived: only its lease decides when it is tried again.
    if (!isDuequeError(error) || error.outcome === 'unknown') return
    if (error.code === 'CLOSED') return this.#release(claimed, 0)
    this.#stalled.set(to, clock.monotonic() + STALL_MS)
    return this.#release(claimed, STALL_MS)
  }

  #release(claimed: Claimed, inMs: number): Promise<void> {
    return this.#releases.add({ claimed, inMs })
  }

  /** Never rejects: otherwise their leases decide. */
  async #releaseAll(batch: readonly Release[]): Promise<void> {
    for (const inMs of new Set(batch.map((one) => one.inMs))) {
      const claimed = batch.filter((one) => one.inMs === inMs).map((one) => one.claimed)
      try {
        // Stores keep whole milliseconds.
        await this.#store.release(claimed, Math.ceil(this.#storeTime.now() + inMs))
      } catch (error) {
        this.#failed('release', error)
      }
    }
  }

  /** Said once for each outage. */
  #failed(what: string, error: unknown): void {
    const { logger, onError } = this.#environment
    this.#failures++
    logger.warn(`the relay could not ${what}`, { store: this.#store.name, error: errorText(error) })
    if (this.#failures === 1 && isDuequeError(error)) onError(error)
  }
}

/** As long as it has been overdue, which doubles each time. Milliseconds. */
export function hopelessWait(overdueMs: number): number {
  return Math.min(Math.max(overdueMs, HOPELESS_MS.least), HOPELESS_MS.most)
}

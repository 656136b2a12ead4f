import { checkBytes, destinationText, type Destination } from '../../message/destination.js'
import { DuequeError, isDuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import type { Rung } from '../../strategies/ladder/rungs.js'
import type { AmqpConnection, ConnectionSettings } from '../connection/connection.js'
import type { BoundDestinations } from './bound-destinations.js'
import { Declarer } from './declarer.js'
import { Layout, type ExchangePart, type Part } from './layout.js'
import { LayoutNames } from './layout-names.js'
import {
  deadQueue,
  destinationKey,
  rungKey,
  type Names,
  type QueueType,
  type RungVariant,
  type TopologyMode,
} from './names.js'
import { isMarked, RungMarks, type YoungQueues } from './rung-marks.js'

/** On which rungs are declared ahead. On 2 busy cores 240 took 3.2 s on 4 channels, 2.4 s on 8, and not less on 16. */
const CHANNELS_AHEAD = 8

export interface TopologySettings {
  names: Names
  queueType: QueueType
  mode: TopologyMode
  maxNameBytes: number
  /** Queues that were made or first seen a moment ago. Shared by all topologies of a broker. */
  young: YoungQueues
  /** Which destinations were bound. Likewise shared. */
  bound: BoundDestinations
  /**
   * Whether what is known outlives the connection. A publisher hears of each part that is gone by a return, a closed
   * channel or the queue for unroutable messages; after a reconnect it would look at a hundred rungs one by one before it
   * sends again. What catches its messages is looked at anew. A consumer hears of nothing, and looks at everything.
   */
  kept: boolean
  /** For connections of its own, for what may cost the connection. */
  settings: ConnectionSettings
  /** Declares an exchange of a type that the broker may not know, which may cost the connection. */
  declarePlugin: (part: ExchangePart) => Promise<void>
  logger: Logger
}

/** What nobody misses before it is needed. */
const SAFETY = ['base', 'ladder', 'delayed']

/**
 * Declares and binds what the broker layout consists of, once: what exists is remembered until something of it turns out
 * to be gone. Every operation is idempotent and runs one at a time. In the mode `trust` everything is taken to be there.
 */
export class Topology {
  readonly queueType: QueueType
  readonly #layout: Layout
  readonly #trust: boolean
  readonly #declarer: Declarer
  readonly #layoutNames: LayoutNames
  readonly #maxNameBytes: number
  readonly #done = new Map<string, Promise<void> | true>()
  readonly #young: YoungQueues
  readonly #marks: RungMarks
  readonly #newDeclarer: () => Declarer
  readonly #bound: BoundDestinations
  /** All that were declared, by key. */
  readonly #rungs = new Map<string, readonly [Rung, RungVariant]>()
  #epoch = 0

  constructor(
    connection: AmqpConnection,
    { names, queueType, mode, maxNameBytes, young, bound, kept, settings, declarePlugin, logger }: TopologySettings,
  ) {
    this.queueType = queueType
    this.#layout = new Layout(names, queueType)
    this.#trust = mode === 'trust'
    this.#newDeclarer = () => new Declarer(connection, settings, declarePlugin)
    this.#declarer = this.#newDeclarer()
    this.#layoutNames = new LayoutNames(names, (exchange) => this.#declarer.exists('exchange', exchange))
    this.#maxNameBytes = maxNameBytes
    this.#young = young
    this.#marks = new RungMarks(this.#layout, this.#newDeclarer(), young, logger)
    this.#bound = bound
    connection.whenUp(() => {
      this.#marks.reconnected()
      if (!kept) return this.forget()
      const known = SAFETY.filter((key) => this.#done.has(key))
      for (const key of SAFETY) this.#done.delete(key)
      // One that fails is tried again when it is needed.
      if (known.includes('ladder')) this.ladder().catch(() => undefined)
      if (known.includes('delayed')) this.delayed().catch(() => undefined)
    })
  }

  /**
   * Whether a message to `destination` that waits on the rungs of these keys needs nothing declared any more. Without a
   * destination, it is taken to be bound.
   */
  isReady(destination: Destination | undefined, rungKeys: readonly string[]): boolean {
    if (this.#trust) return destination === undefined || this.#layoutNames.isUsers(destination)
    const key = destination === undefined ? 'base' : destinationKey(destination)
    if (this.#done.get(key) !== true) return false
    return rungKeys.every((key) => this.#done.get(key) === true)
  }

  /**
   * A message came back from `exchange`, which has no route for it or does not exist. Declared anew it will be there;
   * where nothing is declared, the error says so.
   *
   * @param epoch as for {@link forget}
   */
  returned(exchange: string, epoch?: number): DuequeError | undefined {
    if (!this.#trust) {
      this.forget(epoch)
      return undefined
    }
    const apply = `dueque topology apply${exchange === this.#layout.names.delayed ? ' --plugin' : ''}`
    const message = `exchange ${exchange} is missing, or what is bound to it: \`${apply}\` declares it (option: topology)`
    return new DuequeError('TOPOLOGY_MISSING', message, { resource: exchange })
  }

  /**
   * Something that was declared is gone: look at everything again. Many messages may find that out at once, so only the
   * first of those sent since the last time counts.
   *
   * @param epoch what {@link epoch} was when the message was sent
   */
  forget(epoch = this.#epoch): void {
    if (epoch !== this.#epoch) return
    this.#epoch++
    this.#done.clear()
    this.#layoutNames.forget()
  }

  /** From when on a confirm of a message on this way can be relied on, by `performance.now()`: see {@link SAFE_AFTER_MS}. */
  safeAt(destination: Destination, rungKeys: readonly string[]): number {
    // For every confirm.
    return this.#young.isEmpty ? 0 : this.#young.safeAt([destinationKey(destination), ...rungKeys])
  }

  /** Whether a rung was missing when it was declared, or may have been, and has not been marked yet. */
  isYoung(rungKey: string): boolean {
    return this.#marks.isYoung(rungKey)
  }

  /** Before the connection is closed: what was learnt about rungs is for other processes too. Never rejects. */
  flush(): Promise<void> {
    return this.#marks.flush()
  }

  /** A queue that is about to be consumed, perhaps not for the first time, may have been deleted meanwhile. */
  lookAgain(queue: string): void {
    for (const name of [queue, deadQueue(queue)]) this.#done.delete(destinationKey({ queue: name }))
  }

  get epoch(): number {
    return this.#epoch
  }

  get hasBase(): boolean {
    return this.#trust || this.#done.get('base') === true
  }

  base(): Promise<void> {
    return this.#once('base', () => this.#declare(this.#layout.base()))
  }

  /** The ladder's exchanges, without its rungs. */
  ladder(): Promise<void> {
    return this.#once('ladder', async () => {
      await this.base()
      await this.#declare(this.#layout.ladder())
    })
  }

  /** Further parts, such as a program has beside the layout. They are looked at again when something was lost. */
  also(key: string, parts: readonly Part[]): Promise<void> {
    return this.#once(key, async () => {
      await this.base()
      await this.#declare(parts)
    })
  }

  get hasDelayed(): boolean {
    return this.#trust || this.#done.get('delayed') === true
  }

  /** Where messages wait in the delayed-message plugin. @throws DuequeError `UNSUPPORTED` on a broker without it */
  delayed(): Promise<void> {
    return this.#once('delayed', async () => {
      await this.base()
      await this.#declare(this.#layout.delayed())
    })
  }

  rung(rung: Rung, variant: RungVariant, declarer = this.#declarer): Promise<void> {
    return this.#once(rungKey(rung, variant), async () => {
      await this.ladder()
      const isOld = await isMarked(declarer, this.#layout, rung, variant)
      for (const part of this.#layout.rung(rung, variant)) await declarer.declare(part)
      if (!isOld) this.#marks.add(rung, variant)
      this.#rungs.set(rungKey(rung, variant), [rung, variant])
    })
  }

  /** Declares rungs that may be needed, several at a time, beside what somebody waits for. Ends all with the first failure. */
  async rungsAhead(left: Generator<Rung>, variant: RungVariant): Promise<void> {
    const declare = async () => {
      const declarer = this.#newDeclarer()
      try {
        for (const rung of left) await this.rung(rung, variant, declarer)
      } finally {
        declarer.close()
      }
    }
    await Promise.all(Array.from({ length: CHANNELS_AHEAD }, declare))
  }

  /** Looks at the ladder and at every rung that `other` has declared, and declares what is gone. */
  async mend(other: Topology): Promise<void> {
    this.forget()
    if (other.#rungs.size === 0) return
    await this.ladder()
    for (const [rung, variant] of other.#rungs.values()) await this.rung(rung, variant)
  }

  /** Whether a destination exists, bound or not. Where nothing is declared, it is taken to exist. */
  async exists({ queue, exchange }: Destination): Promise<boolean> {
    if (this.#trust) return true
    return queue === undefined ? this.#declarer.exists('exchange', exchange) : this.#declarer.exists('queue', queue)
  }

  /** @throws DuequeError `RESERVED_NAME` for a queue or exchange of dueque's own, in this namespace or another one */
  assertUsers(destination: Destination): Promise<void> {
    return this.#layoutNames.check(destination)
  }

  /**
   * Binds an existing destination: a queue directly or by an outlet in front of it, an exchange always by one.
   *
   * @param declare whether a missing work queue is declared
   * @throws DuequeError `DESTINATION_MISSING`, `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, `RESERVED_NAME`
   */
  async destination(destination: Destination, declare: boolean): Promise<void> {
    await this.assertUsers(destination)
    try {
      await this.#destination(destination, declare)
    } catch (error) {
      // Somebody else may have asked first, without `declare`.
      if (!declare || !isDuequeError(error, 'DESTINATION_MISSING')) throw error
      await this.#destination(destination, declare)
    }
    this.#bound.add(destination)
  }

  #destination(destination: Destination, declare: boolean): Promise<void> {
    const { queue, exchange, outlet } = destination
    const key = destinationKey(destination)
    return this.#once(key, async () => {
      await this.base()
      if (queue === undefined) return this.#outlet(exchange, key)
      if (outlet) return this.#queueOutlet(queue, declare, key)
      if (await this.#declarer.exists('queue', queue)) return this.#declare([this.#layout.binding(queue)])
      if (!declare) throw missing({ queue }, 'declare it, consume it once, or schedule with { declare: true }')
      checkBytes(deadQueue(queue), this.#maxNameBytes)
      await this.dead(queue)
      await this.#newWorkQueue(queue, key)
    })
  }

  async #newWorkQueue(queue: string, key: string): Promise<void> {
    try {
      await this.#declare(this.#layout.workQueue(queue), key)
    } catch (error) {
      // Another version of dueque was faster: whatever its arguments, it is used as any queue that exists.
      if (!isDuequeError(error, 'TOPOLOGY_MISMATCH') || !(await this.#declarer.exists('queue', queue))) throw error
      await this.#declare([this.#layout.binding(queue)])
    }
  }

  async #queueOutlet(queue: string, declare: boolean, key: string): Promise<void> {
    await this.destination({ queue }, declare)
    checkBytes(this.#layout.names.queueOutlet(queue), this.#maxNameBytes)
    await this.#declare(this.#layout.queueOutlet(queue), key)
  }

  /** The queue for what a consumer of `queue` gives up on. */
  dead(queue: string): Promise<void> {
    const key = destinationKey({ queue: deadQueue(queue) })
    return this.#once(key, async () => {
      await this.base()
      await this.#declare(this.#layout.dead(queue), key)
    })
  }

  async #outlet(exchange: string, key: string): Promise<void> {
    if (!(await this.#declarer.exists('exchange', exchange))) throw missing({ exchange }, 'declare it first')
    checkBytes(this.#layout.names.outlet(exchange), this.#maxNameBytes)
    await this.#declare(this.#layout.outlet(exchange), key)
  }

  /** @param key under which a queue that was not there before is remembered */
  async #declare(parts: readonly Part[], key?: string): Promise<void> {
    for (const part of parts) {
      const isNew = key !== undefined && part.kind === 'queue' && !(await this.#declarer.exists('queue', part.name))
      await this.#declarer.declare(part)
      if (isNew) this.#young.add(key)
    }
  }

  #once(key: string, work: () => Promise<void>): Promise<void> {
    if (this.#trust) return Promise.resolve()
    const known = this.#done.get(key)
    if (known !== undefined) return known === true ? Promise.resolve() : known
    const running: Promise<void> = this.#twice(work).then(
      () => this.#settle(key, running, true),
      (error: unknown) => {
        this.#settle(key, running, undefined)
        throw error
      },
    )
    this.#done.set(key, running)
    return running
  }

  /** If a part that was there is found to be gone, everything is looked at again, once. */
  async #twice(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isVanished(error)) throw error
      this.forget()
      await work()
    }
  }

  /** Unless the connection was lost meanwhile, and with it what is known. */
  #settle(key: string, running: Promise<void>, result: true | undefined): void {
    if (this.#done.get(key) !== running) return
    if (result) this.#done.set(key, result)
    else this.#done.delete(key)
  }
}

function missing(destination: Destination, mend: string): DuequeError<'DESTINATION_MISSING'> {
  const text = destinationText(destination)
  return new DuequeError('DESTINATION_MISSING', `${text} does not exist: ${mend}`, { destination: text })
}

/** The broker's own NOT_FOUND, which has a cause, in contrast to {@link missing}. */
function isVanished(error: unknown): boolean {
  return error instanceof DuequeError && error.code === 'DESTINATION_MISSING' && error.cause !== undefined
}

import type { SubscribeOptions } from '../../broker.js'
import { batchQueue } from '../../message/batch.js'
import type { Destination } from '../../message/destination.js'
import { DuequeError } from '../../base/errors.js'
import { silent } from '../../base/logger.js'
import type { AmqpConnection } from '../connection/connection.js'
import type { ConnectionSettings } from '../connection/connect-to.js'
import { withConnection } from '../connection/operator-connection.js'
import type { BoundDestinations } from './bound-destinations.js'
import { Declarations } from './declarations.js'
import { Declarer } from './declarer.js'
import { DestinationBinder } from './destination-binder.js'
import { Layout } from './layout.js'
import { deadQueue, destinationKey, type Names, type QueueType, type TopologyMode } from './names.js'
import type { Part } from './part.js'
import { ReservedNames } from './reserved-names.js'
import type { YoungQueues } from './young-queues.js'

export interface TopologySettings {
  names: Names
  queueType: QueueType
  mode: TopologyMode
  maxNameBytes: number
  /** Queues that were declared or first seen a moment ago. Shared by all topologies of a broker. */
  young: YoungQueues
  /** Which destinations were bound. Likewise shared. */
  bound: BoundDestinations
  /**
   * Whether the memory of declarations outlives the connection. A publisher learns of each part that is gone by a return, a closed
   * channel or the queue for unroutable messages; after a reconnect it would look at a hundred queues one by one before it
   * sends again. Only parts that catch messages are declared again. A consumer learns of nothing, and forgets everything.
   */
  kept: boolean
  /** For connections of its own, for declarations that may cost the connection. */
  settings: ConnectionSettings
}

export interface EnsureOptions {
  /**
   * Declares the parts again after each reconnect. For parts that catch messages: their absence shows only when they are
   * needed.
   * @default false
   */
  again?: boolean
  /**
   * The command that declares the exchanges among the parts, for the error where nothing is declared.
   * @default 'dueque topology apply'
   */
  command?: string
}

const BASE = 'base'

/**
 * Declares and binds the parts of the topology, each once: what exists is remembered until something of it turns out to be
 * gone. Every operation is idempotent and runs one at a time. In the mode `trust` everything is taken to be there.
 */
export class Topology {
  readonly queueType: QueueType
  /** One operation at a time, for callers that wait. */
  readonly declarer: Declarer
  readonly young: YoungQueues
  /** Another declarer on the same connection, for work beside it: see {@link Declarer}. */
  readonly newDeclarer: (awayMs?: number) => Declarer
  /** Work on a connection of its own, because RabbitMQ may close it over the work. */
  readonly apart: <T>(work: (connection: AmqpConnection) => Promise<T>) => Promise<T>
  /** Calls the listener now, if connected, and after every reconnect. */
  readonly whenUp: (listener: () => void) => void
  readonly #layout: Layout
  readonly #trust: boolean
  readonly #reserved: ReservedNames
  readonly #declarations: Declarations
  readonly #binder: DestinationBinder
  readonly #bound: BoundDestinations
  /** What declares an exchange, where it is another command than usual. */
  readonly #commands = new Map<string, string>()
  readonly #beforeClose: (() => Promise<void>)[] = []

  constructor(connection: AmqpConnection, settings: TopologySettings) {
    const { names, queueType, mode, kept, young, bound } = settings
    this.queueType = queueType
    this.young = young
    this.newDeclarer = (awayMs) => new Declarer(connection, settings.settings, awayMs)
    this.apart = (work) => withConnection({ ...settings.settings, logger: silent }, work)
    this.declarer = this.newDeclarer()
    this.whenUp = (listener) => void connection.whenUp(listener)
    this.#layout = new Layout(names, queueType)
    this.#trust = mode === 'trust'
    this.#bound = bound
    const [declarer, layout] = [this.declarer, this.#layout]
    this.#reserved = new ReservedNames(names, (exchange) => declarer.exists('exchange', exchange))
    const declarations = new Declarations(() => this.#reserved.forget())
    this.#declarations = declarations
    this.#binder = new DestinationBinder({ ...settings, layout, declarer, declarations, base: () => this.base() })
    connection.whenUp(() => (kept ? this.#renew() : this.forget()))
  }

  /**
   * Whether a message to `destination` that needs the parts of these keys needs nothing declared any more. Without a
   * destination, it is taken to be bound.
   */
  isReady(destination: Destination | undefined, keys: readonly string[]): boolean {
    if (this.#trust) return destination === undefined || this.#reserved.isUsers(destination)
    const declarations = this.#declarations
    if (!declarations.has(destination === undefined ? BASE : destinationKey(destination))) return false
    return keys.every((key) => declarations.has(key))
  }

  /**
   * A message came back from `exchange`, which has no route for it or does not exist. Declared anew it will be there;
   * in the mode `trust` the error says so.
   *
   * @param epoch as for {@link forget}
   */
  returned(exchange: string, epoch?: number): DuequeError | undefined {
    if (!this.#trust) {
      this.forget(epoch)
      return undefined
    }
    const command = this.#commands.get(exchange) ?? 'dueque topology apply'
    const message = `exchange ${exchange} or a binding of it is missing: \`${command}\` declares them (option: topology)`
    return new DuequeError('TOPOLOGY_MISSING', message, { resource: exchange })
  }

  /**
   * A part that was declared is gone: declare everything again. Many messages may find that out at once, so only the first
   * of those sent since the last time counts.
   *
   * @param epoch what {@link epoch} was when the message was sent
   */
  forget(epoch?: number): void {
    this.#declarations.forget(epoch)
  }

  get epoch(): number {
    return this.#declarations.epoch
  }

  /** From when on a confirm of a message on this way can be relied on, by `performance.now()`: see {@link YoungQueues}. */
  safeAt(destination: Destination, keys: readonly string[]): number {
    // For every confirm.
    return this.young.isEmpty ? 0 : this.young.safeAt([destinationKey(destination), ...keys])
  }

  /** Something to do before the connection is closed. It must not reject. */
  beforeClose(work: () => Promise<void>): void {
    this.#beforeClose.push(work)
  }

  /** Does the work of {@link beforeClose}. Never rejects. */
  async close(): Promise<void> {
    await Promise.all(this.#beforeClose.map((work) => work()))
  }

  /** A queue that is about to be consumed, perhaps not for the first time, may have been deleted meanwhile. */
  lookAgain(queue: string): void {
    for (const name of [queue, deadQueue(queue)]) this.#declarations.drop(destinationKey({ queue: name }))
  }

  /** Whether everything is taken to be there: nothing is declared, and nothing deleted. */
  get trusts(): boolean {
    return this.#trust
  }

  get hasBase(): boolean {
    return this.has(BASE)
  }

  /** Whether what {@link ensure} declares under this key is there. */
  has(key: string): boolean {
    return this.#trust || this.#declarations.has(key)
  }

  /** Declares the layout that every strategy needs. */
  base(): Promise<void> {
    if (this.#trust) return Promise.resolve()
    return this.#declarations.once(BASE, () => this.#declare(this.#layout.base()))
  }

  /**
   * Declares further parts, such as a strategy's own; the base comes first. What is declared is remembered by the key.
   *
   * @param parts or what declares them
   */
  ensure(
    key: string,
    parts: readonly Part[] | (() => Promise<void>),
    { again = false, command }: EnsureOptions = {},
  ): Promise<void> {
    if (typeof parts === 'object' && command !== undefined)
      for (const { kind, name } of parts) if (kind === 'exchange') this.#commands.set(name, command)
    if (this.#trust) return Promise.resolve()
    const declare = typeof parts === 'function' ? parts : () => this.#declare(parts)
    return this.#declarations.once(key, () => this.base().then(declare), again)
  }

  /** Whether a destination exists, bound or not. In the mode `trust` it is taken to exist. */
  async exists(destination: Destination): Promise<boolean> {
    return this.#trust || this.#binder.exists(destination)
  }

  /** @throws DuequeError `RESERVED_NAME` for a queue or exchange of dueque's own, in this namespace or another one */
  assertUsers(destination: Destination): Promise<void> {
    return this.#reserved.check(destination)
  }

  /**
   * Binds an existing destination: a queue directly or by an outlet in front of it, an exchange always by one.
   *
   * @param declare whether a missing work queue is declared
   * @throws DuequeError `DESTINATION_MISSING`, `PERMISSION_DENIED`, `TOPOLOGY_MISMATCH`, `RESERVED_NAME`
   */
  async destination(destination: Destination, declare: boolean): Promise<void> {
    await this.assertUsers(destination)
    if (this.#trust) this.#bound.add(destination)
    else await this.#binder.bind(destination, declare)
  }

  /** Declares the queue for messages on which a consumer of `queue` gives up. */
  dead(queue: string): Promise<void> {
    return this.#trust ? Promise.resolve() : this.#binder.dead(queue)
  }

  /** Makes a queue ready for a consumer, with its dead queue and, with `batches`, the queue for its batches. */
  async consumed(
    queue: string,
    { declare, batches = false }: Pick<SubscribeOptions, 'declare' | 'batches'>,
  ): Promise<void> {
    await this.destination({ queue }, declare)
    await this.dead(queue)
    if (!batches) return
    if (this.#trust) this.#bound.add({ queue: batchQueue(queue) })
    else await this.#binder.batches(queue, declare)
  }

  #renew(): void {
    this.#declarations.drop(BASE)
    this.#declarations.renew()
  }

  async #declare(parts: readonly Part[]): Promise<void> {
    for (const part of parts) await this.declarer.declare(part)
  }
}

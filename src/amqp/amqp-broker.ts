import type { Arrival, Broker, BrokerHealth, PublishOptions, SubscribeOptions, Subscription } from '../broker.js'
import type { Death } from '../message/death.js'
import { batchQueue } from '../message/batch.js'
import type { Destination, QueueDestination } from '../message/destination.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { Arrived } from '../message/envelope.js'
import { DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { AMQP_BROKER, CONTRACT } from './brand.js'
import { AmqpConnection, type ConnectionEvents } from './connection/connection.js'
import type { ConnectionSettings } from './connection/connect-to.js'
import { ApartConnections } from './connection/apart-connections.js'
import type { Part } from './topology/part.js'
import type { TlsOptions } from './connection/tls.js'
import { parseEndpoints, type Endpoint } from './connection/endpoint.js'
import { ArrivalPublisher, type Parking } from './publish/arrival-publisher.js'
import { DestinationPlan } from './publish/destination-plan.js'
import { FrameBuilder } from './publish/frame-builder.js'
import { closeInTime } from './connection/close-in-time.js'
import { Names, type QueueType, type TopologyMode } from './topology/names.js'
import type { DeliveryOptions, PublicationEnd, PublishedMessage, PublishPlan } from './publish/publication.js'
import { Publisher } from './publish/publisher.js'
import { YoungQueues } from './topology/young-queues.js'
import { openStream, type StreamReader, type StreamSettings } from './receive/stream.js'
import { subscribe, type AmqpSubscription, type SubscribeSettings } from './receive/subscribe.js'
import { BoundDestinations } from './topology/bound-destinations.js'
import { Topology } from './topology/topology.js'

export interface AmqpSettings {
  url: string | readonly string[]
  name: string
  namespace: string
  queueType: QueueType
  topology: TopologyMode
  heartbeatSeconds: number
  connectTimeoutMs: number
  publishTimeoutMs: number
  maxInFlight: number
  maxBodyBytes: number
  tls: TlsOptions
  uninstrumented?: boolean | undefined
  logger: Logger
}

interface SubscribeExtras {
  /** Parts that are declared with the queue, before each start. */
  beside?: readonly Part[]
  /** Of the AMQP consumer: its operators see them. */
  arguments?: Readonly<Record<string, string>>
}

/** How one of dueque's own queues is taken. */
interface TakeSettings extends Pick<SubscribeSettings, 'queue' | 'prefetch' | 'logger' | 'started'> {
  /** Declares what is needed, before each start. */
  prepare: (topology: Topology) => Promise<void>
}

/** A stream to read, without the connection. */
export type StreamOf = Omit<StreamSettings, 'connection' | 'logger' | 'prepare' | 'deleted'>

/** RabbitMQ over two connections, so that a blocked producer cannot stop the acks. The second opens with the first consumer. */
export class AmqpBroker implements Broker {
  readonly [AMQP_BROKER] = CONTRACT
  readonly names: Names
  readonly topology: Topology
  readonly frames = new FrameBuilder()
  /** An unconfirmed message fails after this time. */
  readonly publishTimeoutMs: number
  readonly #publisher: Publisher
  readonly #arrivals: ArrivalPublisher
  readonly #bound = new BoundDestinations()
  readonly #settings: AmqpSettings
  readonly #events: ConnectionEvents
  readonly #producing: AmqpConnection
  readonly #consuming: AmqpConnection
  readonly #maxNameBytes: number
  /** For declarations that may cost their connection. */
  readonly #settingsApart: ConnectionSettings
  readonly #apart: ApartConnections
  readonly #young = new YoungQueues()
  /** Those that should be receiving. */
  readonly #subscriptions = new Set<AmqpSubscription>()
  #consumer: Promise<Topology> | undefined

  constructor(settings: AmqpSettings, events: ConnectionEvents) {
    this.#settings = settings
    this.#events = events
    this.publishTimeoutMs = settings.publishTimeoutMs
    const { namespace, queueType, publishTimeoutMs: timeoutMs, maxInFlight, logger, name, url } = settings
    const endpoints = parseEndpoints(url)
    this.names = new Names(namespace)
    this.#producing = new AmqpConnection({ ...settings, endpoints, name: `${name} producer` }, events)
    this.#consuming = new AmqpConnection({ ...settings, endpoints, name: `${name} consumer` }, events)
    this.#maxNameBytes = maxNameBytes(endpoints, queueType)
    this.#settingsApart = { ...settings, endpoints, name: `${name} declaring` }
    this.#apart = new ApartConnections(this.#settingsApart)
    this.topology = this.newTopology()
    const { names, topology } = this
    const publisher = (this.#publisher = new Publisher(this.#producing, { timeoutMs, maxInFlight, topology, logger }))
    this.#arrivals = new ArrivalPublisher({ names, topology, publisher }, logger)
  }

  open(): Promise<void> {
    return this.#producing.open()
  }

  deliver(message: DelayedMessage, options: PublishOptions): Promise<void> {
    return this.publish(message, new DestinationPlan(this, message, options), options)
  }

  /** @throws DuequeError `BODY_TOO_LARGE` before anything is sent, and what the publisher throws */
  publish(message: PublishedMessage, plan: PublishPlan, options: DeliveryOptions): Promise<void> {
    return new Promise((confirmed, failed) => this.send(message, plan, options, { confirmed, failed }))
  }

  /** As {@link publish}, without a promise. */
  send(message: PublishedMessage, plan: PublishPlan, options: DeliveryOptions, end: PublicationEnd): void {
    const tooLarge = this.tooLarge(message.body)
    if (tooLarge) end.failed(tooLarge)
    else this.#publisher.send(message, plan, options, end)
  }

  /** Why a body is not to be sent, if it is not. */
  tooLarge({ byteLength: bytes }: Pick<Uint8Array, 'byteLength'>): DuequeError | undefined {
    const { maxBodyBytes: maxBytes } = this.#settings
    if (bytes <= maxBytes) return undefined
    const message = `the body has ${bytes} bytes, over the limit of ${maxBytes} (option: maxBodyBytes)`
    return new DuequeError('BODY_TOO_LARGE', message, { bytes, maxBytes })
  }

  bury(queue: string, arrived: Arrived, death: Death, options: DeliveryOptions = {}): Promise<void> {
    return this.#arrivals.toDead(queue, arrived, death, options)
  }

  /** Passes an arrival on to a work queue, with its body, properties and headers. Resolves once it is safe there. */
  passOn(queue: string, arrived: Arrived, options: DeliveryOptions = {}): Promise<void> {
    return this.#arrivals.toQueue(queue, arrived, options)
  }

  /** Puts an arrival into the queue for parked messages. Resolves once it is safe there. */
  park(arrived: Arrived, parking: Parking): Promise<void> {
    return this.#arrivals.toParked(arrived, parking)
  }

  /** Puts an arrival of the queue for unroutable messages behind the others there. Resolves once it is safe there. */
  unroutable(arrived: Arrived, attempts: number): Promise<void> {
    return this.#arrivals.toUnroutable(arrived, attempts)
  }

  /** Whether this process consumes the destination, or schedules to it. */
  hasBound(destination: Destination): boolean {
    return this.#bound.has(destination)
  }

  async subscribe(
    from: QueueDestination,
    { prefetch, ...options }: SubscribeOptions,
    listener: (arrival: Arrival) => void,
    { beside = [], arguments: args }: SubscribeExtras = {},
  ): Promise<Subscription> {
    this.#consumer ??= this.#openConsumer()
    const topology = await this.#consumer
    const queue = options.batches ? batchQueue(from.queue) : from.queue
    for (const name of new Set([queue, from.queue])) topology.lookAgain(name)
    const prepare = async () => {
      await topology.consumed(from.queue, options)
      if (beside.length > 0) await topology.ensure(`beside ${from.queue}`, beside)
    }
    const cancelled = () => topology.forget()
    const { logger } = this.#settings
    const failed = (error: DuequeError) => this.#events.error(error)
    const subscription = await subscribe(
      { connection: this.#consuming, queue, prefetch, prepare, cancelled, failed, logger, arguments: args },
      listener,
    )
    this.#subscriptions.add(subscription)
    const cancel = () => {
      this.#subscriptions.delete(subscription)
      return subscription.cancel()
    }
    return {
      ...{ pause: () => subscription.pause(), resume: () => subscription.resume() },
      ...{ cancel, close: () => subscription.close(), setPrefetch: (most) => subscription.setPrefetch(most) },
    }
  }

  /** Takes from one of dueque's own queues on the connection of the consumers, whose acks no alarm holds up. */
  async take({ prepare, ...settings }: TakeSettings, listener: (arrival: Arrival) => void): Promise<AmqpSubscription> {
    this.#consumer ??= this.#openConsumer()
    const topology = await this.#consumer
    const [cancelled, failed] = [() => topology.forget(), (error: DuequeError) => this.#events.error(error)]
    const own = { connection: this.#consuming, prepare: () => prepare(topology), cancelled, failed }
    return subscribe({ ...settings, ...own }, listener)
  }

  /**
   * Reads a stream on the connection of the consumers, and reads nothing before the stream is declared there.
   *
   * @param declare declares it on the connection of the topology that it is given
   */
  async readStream({
    declare,
    ...settings
  }: StreamOf & { declare: (topology: Topology) => Promise<void> }): Promise<StreamReader> {
    this.#consumer ??= this.#openConsumer()
    const topology = await this.#consumer
    return openStream({
      ...settings,
      connection: this.#consuming,
      logger: this.#settings.logger,
      prepare: () => declare(topology),
      deleted: () => topology.forget(),
    })
  }

  /**
   * A further connection, for work that would hold up the others. Its opener closes it.
   *
   * @throws DuequeError as `connect` does
   */
  openApart(purpose: string): Promise<AmqpConnection> {
    return this.#apart.open(`${this.#settings.name} ${purpose}`)
  }

  /** Whether the connection of the consumers is there. */
  get isConsuming(): boolean {
    return this.#consuming.model !== undefined
  }

  health(): BrokerHealth {
    const [producing, consuming] = [this.#producing, this.#consuming]
    const { blocked, broker } = producing
    const isReceiving = consuming.model && [...this.#subscriptions].every(({ live }) => live)
    return {
      producer: !producing.model ? 'down' : blocked === undefined ? 'up' : 'blocked',
      consumer: !this.#consumer ? 'unused' : isReceiving ? 'up' : 'down',
      ...(blocked !== undefined && { blockedBy: blocked }),
      ...(broker && { broker }),
      since: new Date(Math.max(producing.changedAt, this.#consumer ? consuming.changedAt : 0)).toISOString(),
      waitingForConfirm: this.#publisher.unsettled,
    }
  }

  /** Watches one of dueque's own queues, on the connection of the producer. */
  watch(queue: string, prefetch: number, listener: (arrival: Arrival) => void): Promise<Subscription> {
    const prepare = () => this.topology.base()
    const cancelled = () => this.topology.forget()
    const { logger } = this.#settings
    const failed = (error: DuequeError) => this.#events.error(error)
    return subscribe({ connection: this.#producing, queue, prefetch, prepare, cancelled, failed, logger }, listener)
  }

  /** A view of the topology that shares nothing with the one that messages are sent by. */
  newTopology(): Topology {
    return this.#topologyOn(this.#producing, true)
  }

  async close(): Promise<void> {
    await this.#publisher.close()
    if (this.#producing.model) await closeInTime(this.topology.close())
    await Promise.all([this.#consuming.close(), this.#producing.close()])
  }

  destroy(): void {
    this.#publisher.destroy()
    this.#consuming.destroy()
    this.#producing.destroy()
    this.#apart.destroy()
  }

  #topologyOn(connection: AmqpConnection, kept: boolean): Topology {
    const { queueType, topology: mode } = this.#settings
    return new Topology(connection, {
      names: this.names,
      queueType,
      mode,
      maxNameBytes: this.#maxNameBytes,
      young: this.#young,
      bound: this.#bound,
      kept,
      settings: this.#settingsApart,
    })
  }

  async #openConsumer(): Promise<Topology> {
    try {
      await this.#consuming.open()
    } catch (error) {
      this.#consumer = undefined
      throw error
    }
    return this.#topologyOn(this.#consuming, false)
  }
}

/** A quorum queue's vhost and name form an Erlang atom of 255 bytes with four others. */
function maxNameBytes(endpoints: readonly Endpoint[], type: QueueType): number {
  if (type === 'classic') return 255
  return 251 - Math.max(...endpoints.map(({ vhost }) => Buffer.byteLength(vhost)))
}

import type { Arrival, Broker, BrokerHealth, PublishOptions, SubscribeOptions, Subscription } from '../broker.js'
import { deathHeaders, MAX_DEATH_TEXT, type Death } from '../message/death.js'
import { destinationText, isReserved, type Destination, type QueueDestination } from '../message/destination.js'
import { HEADER, passedOn, type Arrived, type DelayedMessage } from '../message/envelope.js'
import { DuequeError, isDuequeError } from '../base/errors.js'
import type { ParkedReason } from '../events.js'
import type { Logger } from '../base/logger.js'
import { AMQP_BROKER, CONTRACT } from './brand.js'
import { AmqpConnection, type ConnectionEvents, type ConnectionSettings } from './connection/connection.js'
import type { Part } from './topology/layout.js'
import type { TlsOptions } from './connection/tls.js'
import { parseEndpoints, type Endpoint } from './connection/endpoint.js'
import { writable } from './publish/field-table.js'
import { frameFor } from './publish/frame.js'
import { closeInTime } from './connection/close-in-time.js'
import { declarePluginExchange } from './topology/plugin-exchange.js'
import { Names, deadQueue, destinationKey, type QueueType, type TopologyMode } from './topology/names.js'
import type { Publication } from './publish/publication.js'
import { Publisher } from './publish/publisher.js'
import { YoungQueues } from './topology/rung-marks.js'
import { subscribe, type AmqpSubscription } from './receive/subscribe.js'
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
  logger: Logger
}

/** RabbitMQ over two connections, so that a blocked producer cannot stop the acks. The second opens with the first consumer. */
export class AmqpBroker implements Broker {
  readonly [AMQP_BROKER] = CONTRACT
  readonly names: Names
  readonly topology: Topology
  readonly publisher: Publisher
  readonly #bound = new BoundDestinations()
  readonly #settings: AmqpSettings
  readonly #events: ConnectionEvents
  readonly #producing: AmqpConnection
  readonly #consuming: AmqpConnection
  readonly #maxNameBytes: number
  readonly #riskySettings: ConnectionSettings
  readonly #young = new YoungQueues()
  /** Those that should be receiving. */
  readonly #subscriptions = new Set<AmqpSubscription>()
  #consumer: Promise<Topology> | undefined

  constructor(settings: AmqpSettings, events: ConnectionEvents) {
    this.#settings = settings
    this.#events = events
    const { namespace, queueType, publishTimeoutMs: timeoutMs, maxInFlight, logger, name, url } = settings
    const endpoints = parseEndpoints(url)
    this.names = new Names(namespace)
    this.#producing = new AmqpConnection({ ...settings, endpoints, name: `${name} producer` }, events)
    this.#consuming = new AmqpConnection({ ...settings, endpoints, name: `${name} consumer` }, events)
    this.#maxNameBytes = maxNameBytes(endpoints, queueType)
    this.#riskySettings = { ...settings, endpoints, name: `${name} declaring` }
    this.topology = this.newTopology()
    this.publisher = new Publisher(this.#producing, { timeoutMs, maxInFlight, logger })
  }

  open(): Promise<void> {
    return this.#producing.open()
  }

  deliver(message: DelayedMessage, { declare, bind = true, timeoutMs, signal }: PublishOptions): Promise<void> {
    const { destination } = message
    const prepare = () => {
      if (this.topology.isReady(bind ? destination : undefined, []))
        return frameFor(message, this.names.deliver, [destinationKey(destination)])
      return bind ? this.topology.destination(destination, declare) : this.topology.base()
    }
    const safeAt = () => this.topology.safeAt(destination, [])
    const returned = (exchange: string) => this.topology.returned(exchange)
    return this.publish({ message, prepare, returned, safeAt, timeoutMs }, signal)
  }

  release(message: DelayedMessage, { timeoutMs }: { timeoutMs: number }): Promise<void> {
    const { destination } = message
    const prepare = () =>
      this.topology.hasBase
        ? frameFor(message, this.names.deliver, [destinationKey(destination)])
        : this.topology.base()
    const safeAt = () => this.topology.safeAt(destination, [])
    const returned = (exchange: string) => this.topology.returned(exchange)
    return this.publish({ message, prepare, returned, safeAt, timeoutMs })
  }

  /** @throws DuequeError `BODY_TOO_LARGE` before anything is sent, and what the publisher throws */
  publish(publication: Publication, signal?: AbortSignal): Promise<void> {
    const tooLarge = this.tooLarge(publication.message.body)
    if (tooLarge) return Promise.reject(tooLarge)
    return this.publisher.publish(publication, signal)
  }

  /** Why a body is not to be sent, if it is not. */
  tooLarge({ byteLength: bytes }: Uint8Array): DuequeError | undefined {
    const { maxBodyBytes: maxBytes } = this.#settings
    if (bytes <= maxBytes) return undefined
    const message = `the body has ${bytes} bytes, over the limit of ${maxBytes} (option: maxBodyBytes)`
    return new DuequeError('BODY_TOO_LARGE', message, { bytes, maxBytes })
  }

  bury(
    queue: string,
    arrived: Arrived,
    death: Death,
    options: Pick<PublishOptions, 'signal' | 'timeoutMs'> = {},
  ): Promise<void> {
    const dead = { queue: deadQueue(queue) }
    const headers = {
      ...(arrived.headers[HEADER.to] === undefined && { [HEADER.to]: destinationText({ queue }) }),
      ...deathHeaders(death),
      BCC: [destinationKey(dead)],
    }
    const { topology } = this
    const prepared = () => (topology.isReady(dead, []) ? undefined : topology.dead(queue))
    const safeAt = () => topology.safeAt(dead, [])
    return this.#move(arrived, this.names.dead, headers, { prepared, safeAt, ...options })
  }

  /**
   * Puts an arrival into the parking queue. Resolves once it is safe there.
   *
   * @param why.at milliseconds since the epoch
   */
  park(arrived: Arrived, { at, reason, error }: Parking): Promise<void> {
    const headers = {
      [HEADER.parkedAt]: at,
      [HEADER.parkedReason]: reason,
      // Not that of somebody else.
      [HEADER.parkedError]: error?.slice(0, MAX_DEATH_TEXT),
    }
    return this.#move(arrived, this.names.parked, headers, { prepared: this.#hasBase })
  }

  /** Puts an arrival of the queue for unroutable messages behind the others there, by a key that nothing is bound with. */
  unroutable(arrived: Arrived, rescues: number): Promise<void> {
    return this.#move(arrived, this.names.deliver, { [HEADER.rescues]: rescues }, { prepared: this.#hasBase })
  }

  /** Whether this process itself consumes the destination, or sends to it. */
  hasBound(destination: Destination): boolean {
    return this.#bound.has(destination)
  }

  /** @param beside what is declared with the queue, before each start */
  async subscribe(
    from: QueueDestination,
    { prefetch, declare }: SubscribeOptions,
    listener: (arrival: Arrival) => void,
    beside: readonly Part[] = [],
  ): Promise<Subscription> {
    this.#consumer ??= this.#openConsumer()
    const topology = await this.#consumer
    topology.lookAgain(from.queue)
    const prepare = async () => {
      await topology.destination(from, declare)
      await topology.dead(from.queue)
      if (beside.length > 0) await topology.also(`beside ${from.queue}`, beside)
    }
    const cancelled = () => topology.forget()
    const { logger } = this.#settings
    const failed = (error: DuequeError) => this.#events.error(error)
    const subscription = await subscribe(
      { connection: this.#consuming, queue: from.queue, prefetch, prepare, cancelled, failed, logger },
      listener,
    )
    this.#subscriptions.add(subscription)
    const cancel = () => {
      this.#subscriptions.delete(subscription)
      return subscription.cancel()
    }
    return { cancel, close: () => subscription.close(), setPrefetch: (most) => subscription.setPrefetch(most) }
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
      waitingForConfirm: this.publisher.waiting,
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

  /**
   * Publishes an arrival as it is, but for the headers given, with its own routing key. A foreign producer may have sent
   * what amqplib can read and not write, or RabbitMQ does not take again: then its body goes on without its own headers
   * and properties.
   */
  async #move(arrived: Arrived, exchange: string, headers: Record<string, unknown>, steps: Steps): Promise<void> {
    try {
      await this.#publishArrived(arrived, exchange, headers, steps)
    } catch (error) {
      if (!isDuequeError(error, 'NOT_ENCODABLE') && !isDuequeError(error, 'MESSAGE_REFUSED')) throw error
      // It may be what is too much.
      if (headers[HEADER.stack] !== undefined)
        return this.#move(arrived, exchange, { ...headers, [HEADER.stack]: undefined }, steps)
      const { logger } = this.#settings
      logger.warn('moved without its headers', { routingKey: arrived.routingKey, error: error.message })
      await this.#publishArrived(bare(arrived), exchange, headers, steps)
    }
  }

  #publishArrived(
    arrived: Arrived,
    exchange: string,
    headers: Record<string, unknown>,
    { prepared, safeAt, timeoutMs, signal }: Steps,
  ): Promise<void> {
    const { expiration: _, userId: __, ...properties } = arrived.properties
    const options = {
      ...properties,
      headers: { ...writable(passedOn(arrived.headers)), ...headers },
      deliveryMode: 2,
      mandatory: true,
    }
    // A key of dueque's own would have it routed by that as well.
    const routingKey = isReserved(arrived.routingKey) ? '' : arrived.routingKey
    const publication = {
      message: { id: properties['messageId'], revision: arrived.headers[HEADER.revision], body: arrived.body },
      prepare: () => prepared() ?? { exchange, routingKey, options },
      returned: (exchange: string) => this.topology.returned(exchange),
      timeoutMs,
      ...(safeAt && { safeAt }),
    }
    return this.publisher.publish(publication, signal)
  }

  /** A view of the topology that shares nothing with the one that messages are sent by. */
  newTopology(): Topology {
    return this.#topologyOn(this.#producing, true)
  }

  async close(): Promise<void> {
    await this.publisher.close()
    if (this.#producing.model) await closeInTime(this.topology.flush())
    await Promise.all([this.#consuming.close(), this.#producing.close()])
  }

  destroy(): void {
    this.publisher.destroy()
    this.#consuming.destroy()
    this.#producing.destroy()
  }

  #topologyOn(connection: AmqpConnection, kept: boolean): Topology {
    const { queueType, topology: mode, logger } = this.#settings
    return new Topology(connection, {
      names: this.names,
      queueType,
      mode,
      maxNameBytes: this.#maxNameBytes,
      young: this.#young,
      bound: this.#bound,
      kept,
      settings: this.#riskySettings,
      declarePlugin: (part) => declarePluginExchange(connection, this.#riskySettings, part),
      logger,
    })
  }

  readonly #hasBase = () => (this.topology.hasBase ? undefined : this.topology.base())

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

interface Parking {
  at: number
  reason: ParkedReason
  error: string | undefined
}

interface Steps extends Pick<PublishOptions, 'signal' | 'timeoutMs'> {
  prepared: () => Promise<void> | undefined
  safeAt?: () => number
}

/** What dueque itself has written, and nothing that could be too long or of another type. */
function bare(arrived: Arrived): Arrived {
  const isPlain = (value: unknown) =>
    Number.isSafeInteger(value) || (typeof value === 'string' && Buffer.byteLength(value) <= 255)
  const keep = (from: Readonly<Record<string, unknown>>, names: readonly string[]) =>
    Object.fromEntries(names.filter((name) => isPlain(from[name])).map((name) => [name, from[name]]))
  const properties = keep(arrived.properties, ['messageId', 'type', 'contentType', 'correlationId'])
  // One that is no UTF-8 is longer by now.
  const routingKey = isPlain(arrived.routingKey) ? arrived.routingKey : ''
  return { ...arrived, routingKey, properties, headers: keep(arrived.headers, Object.values(HEADER)) }
}

/** A quorum queue's vhost and name form an Erlang atom of 255 bytes with four others. */
function maxNameBytes(endpoints: readonly Endpoint[], type: QueueType): number {
  if (type === 'classic') return 255
  return 251 - Math.max(...endpoints.map(({ vhost }) => Buffer.byteLength(vhost)))
}

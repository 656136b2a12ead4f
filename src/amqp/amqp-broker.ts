import type { Arrival, Broker, Death, PublishOptions, SubscribeOptions, Subscription } from '../broker.js'
import { destinationText, type QueueDestination } from '../destination.js'
import { HEADER, withoutBrokerHeaders, type Arrived, type DelayedMessage } from '../envelope.js'
import { DuequeError } from '../errors.js'
import type { Logger } from '../logger.js'
import { AmqpConnection, type ConnectionEvents } from './connection.js'
import type { TlsOptions } from './tls.js'
import { parseEndpoints } from './endpoint.js'
import { bufferOf, frameFor } from './frame.js'
import { Names, deadQueue, destinationKey, type QueueType } from './names.js'
import { Publisher, type Publication } from './publisher.js'
import { subscribe } from './subscribe.js'
import { Topology } from './topology.js'

export interface AmqpSettings {
  url: string | readonly string[]
  name: string
  namespace: string
  queueType: QueueType
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
  readonly names: Names
  readonly topology: Topology
  readonly publisher: Publisher
  readonly #settings: AmqpSettings
  readonly #producing: AmqpConnection
  readonly #consuming: AmqpConnection
  #consumer: Promise<Topology> | undefined

  constructor(settings: AmqpSettings, events: ConnectionEvents) {
    this.#settings = settings
    const { namespace, queueType, publishTimeoutMs: timeoutMs, maxInFlight, logger, name, url } = settings
    const endpoints = parseEndpoints(url)
    this.names = new Names(namespace)
    this.#producing = new AmqpConnection({ ...settings, endpoints, name: `${name} producer` }, events)
    this.#consuming = new AmqpConnection({ ...settings, endpoints, name: `${name} consumer` }, events)
    this.topology = new Topology(this.#producing, this.names, queueType)
    this.publisher = new Publisher(this.#producing, { timeoutMs, maxInFlight, logger })
  }

  async open(): Promise<void> {
    await this.#producing.open()
    try {
      checkVersion((await this.#producing.ready()).connection.serverProperties as object)
    } catch (error) {
      await this.#producing.close()
      throw error
    }
  }

  deliver(message: DelayedMessage, { declare, signal }: PublishOptions): Promise<void> {
    const { destination } = message
    const prepare = () =>
      this.topology.isReady(destination, [])
        ? frameFor(message, this.names.deliver, [destinationKey(destination)])
        : this.topology.destination(destination, declare)
    return this.publish(message, { prepare, returned: () => this.topology.forget() }, signal)
  }

  /** @throws DuequeError `BODY_TOO_LARGE` before anything is sent, and what the publisher throws */
  publish(
    { id, revision, body }: DelayedMessage,
    { prepare, returned }: Pick<Publication, 'prepare' | 'returned'>,
    signal?: AbortSignal,
  ): Promise<void> {
    const { maxBodyBytes: maxBytes } = this.#settings
    if (body.byteLength > maxBytes) {
      const message = `the body has ${body.byteLength} bytes, over the limit of ${maxBytes} (option: maxBodyBytes)`
      return Promise.reject(new DuequeError('BODY_TOO_LARGE', message, { bytes: body.byteLength, maxBytes }))
    }
    return this.publisher.publish({ id, revision, body: bufferOf(body), prepare, returned }, signal)
  }

  bury(queue: string, arrived: Arrived, { reason, error, at }: Death): Promise<void> {
    const headers = {
      [HEADER.to]: destinationText({ queue }),
      ...withoutBrokerHeaders(arrived.headers),
      [HEADER.reason]: reason,
      [HEADER.error]: error,
      [HEADER.deadAt]: at,
    }
    const { expiration: _, userId: __, ...properties } = arrived.properties
    const options = { ...properties, headers, deliveryMode: 2, mandatory: true }
    const dead = deadQueue(queue)
    const { topology } = this
    return this.publisher.publish({
      id: properties['messageId'],
      revision: arrived.headers[HEADER.revision],
      body: bufferOf(arrived.body),
      prepare: () =>
        topology.isReady({ queue: dead }, []) ? { exchange: '', routingKey: dead, options } : topology.dead(queue),
      returned: () => topology.forget(),
    })
  }

  async subscribe(
    from: QueueDestination,
    options: SubscribeOptions,
    listener: (arrival: Arrival) => void,
  ): Promise<Subscription> {
    this.#consumer ??= this.#openConsumer()
    const topology = await this.#consumer
    return subscribe(this.#consuming, topology, from, options, this.#settings.logger, listener)
  }

  async close(): Promise<void> {
    await this.publisher.close()
    await this.topology.close()
    await this.#consuming.close()
    await this.#producing.close()
  }

  async #openConsumer(): Promise<Topology> {
    try {
      await this.#consuming.open()
    } catch (error) {
      this.#consumer = undefined
      throw error
    }
    return new Topology(this.#consuming, this.names, this.#settings.queueType)
  }
}

/** 3.10.0 and 3.10.1 crash a queue on a long TTL; at-least-once dead-lettering came with 3.10.0. */
function checkVersion({ product, version }: { product?: unknown; version?: unknown }): void {
  const [major = 0, minor = 0, patch = 0] = String(version).split(/[.+-]/).map(Number)
  if (product !== 'RabbitMQ' || major > 3 || minor > 10 || (minor === 10 && patch >= 2)) return
  throw new DuequeError('UNSUPPORTED', `RabbitMQ ${String(version)} is too old: dueque needs 3.10.2 or later`, {
    feature: `RabbitMQ ${String(version)}`,
  })
}

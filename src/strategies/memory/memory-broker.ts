import type { Arrival, Broker, BrokerHealth, PublishOptions, SubscribeOptions, Subscription } from '../../broker.js'
import { namespacesOf } from '../../amqp/topology/reserved-names.js'
import { batchQueue } from '../../message/batch.js'
import { deathHeaders, type Death } from '../../message/death.js'
import { destinationText, type Destination, type QueueDestination } from '../../message/destination.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import { arrivedOf, type Arrived } from '../../message/envelope.js'
import { HEADER, type Headers } from '../../message/headers.js'
import { DuequeError } from '../../base/errors.js'
import { route, type Binding, type ExchangeType } from './exchange.js'
import { MemoryQueue } from './memory-queue.js'

interface Exchange {
  readonly type: ExchangeType
  bindings: Binding[]
}

/** Queues and exchanges in the process's memory, for tests: what the `memory` strategy delivers into. */
export class MemoryBroker implements Broker {
  readonly #queues = new Map<string, MemoryQueue>()
  readonly #exchanges = new Map<string, Exchange>()
  readonly #parked: DelayedMessage[] = []
  /** How many have opened it. */
  #users = 0
  #changedAt = Date.now()

  declareQueue(name: string): void {
    if (!this.#queues.has(name)) this.#queues.set(name, new MemoryQueue())
  }

  deleteQueue(name: string): void {
    this.#queues.get(name)?.delete()
    this.#queues.delete(name)
    for (const exchange of this.#exchanges.values())
      exchange.bindings = exchange.bindings.filter(({ queue }) => queue !== name)
  }

  declareExchange(name: string, type: ExchangeType): void {
    if (!this.#exchanges.has(name)) this.#exchanges.set(name, { type, bindings: [] })
  }

  /** @throws DuequeError `DESTINATION_MISSING` */
  bind(queue: string, exchange: string, key = '', args: Headers = {}): void {
    this.ensure({ queue }, false)
    this.ensure({ exchange }, false)
    this.#exchanges.get(exchange)!.bindings.push({ queue, key, args })
  }

  /** The names of all queues, the dead ones among them, without those of dueque's own. */
  queues(): string[] {
    return [...this.#queues.keys()].filter((name) => namespacesOf(name).length === 0)
  }

  /** What a queue holds and no consumer has taken. */
  messages(queue: string): readonly Arrived[] {
    return this.#queues.get(queue)?.messages() ?? []
  }

  /** Takes the first message out of a queue. */
  take(queue: string): Arrived | undefined {
    return this.#queues.get(queue)?.take()
  }

  /** What was due and had nowhere to go. */
  parked(): readonly DelayedMessage[] {
    return this.#parked
  }

  /** Sends what is parked on its way again. */
  redrive(): void {
    for (const message of this.#parked.splice(0)) this.#route(message)
  }

  open(): Promise<void> {
    this.#users++
    this.#changedAt = Date.now()
    return Promise.resolve()
  }

  /** @throws DuequeError `DESTINATION_MISSING` */
  ensure(destination: Destination, declare: boolean): void {
    const { queue, exchange } = destination
    if (queue === undefined ? this.#exchanges.has(exchange) : this.#queues.has(queue)) return
    if (queue !== undefined && declare) return this.declareQueue(queue)
    const text = destinationText(destination)
    throw new DuequeError('DESTINATION_MISSING', `${text} does not exist: declare it first`, { destination: text })
  }

  deliver(message: DelayedMessage, { declare, bind = true }: PublishOptions): Promise<void> {
    if (bind) this.ensure(message.destination, declare)
    this.#route(message)
    return Promise.resolve()
  }

  bury(queue: string, arrived: Arrived, death: Death): Promise<void> {
    const headers = {
      [HEADER.to]: destinationText({ queue }),
      ...arrived.headers,
      ...deathHeaders(death),
    }
    this.declareQueue(`${queue}.dead`)
    this.#queues.get(`${queue}.dead`)!.put({ ...arrived, headers })
    return Promise.resolve()
  }

  subscribe(
    { queue: name }: QueueDestination,
    { prefetch, declare, batches }: SubscribeOptions,
    listener: (arrival: Arrival) => void,
  ): Promise<Subscription> {
    // A missing queue rejects, and does not throw.
    return new Promise((resolve) => {
      this.ensure({ queue: name }, declare)
      this.declareQueue(`${name}.dead`)
      const from = batches ? batchQueue(name) : name
      this.ensure({ queue: from }, declare)
      resolve(this.#queues.get(from)!.subscribe(prefetch, listener))
    })
  }

  /** Watches one of dueque's own queues, and declares it if it is missing. */
  watch(queue: string, prefetch: number, listener: (arrival: Arrival) => void): Subscription {
    this.declareQueue(queue)
    return this.#queues.get(queue)!.subscribe(prefetch, listener)
  }

  health(): BrokerHealth {
    const isUsed = [...this.#queues.values()].some(({ isConsumed }) => isConsumed)
    return {
      producer: this.#users > 0 ? 'up' : 'down',
      consumer: !isUsed ? 'unused' : this.#users > 0 ? 'up' : 'down',
      since: new Date(this.#changedAt).toISOString(),
      waitingForConfirm: 0,
    }
  }

  close(): Promise<void> {
    this.#users--
    this.#changedAt = Date.now()
    return Promise.resolve()
  }

  #route(message: DelayedMessage): void {
    const { destination, headers } = message
    const exchange = destination.queue === undefined ? this.#exchanges.get(destination.exchange) : undefined
    const queues =
      destination.queue === undefined
        ? exchange && route(exchange.type, exchange.bindings, destination.routingKey ?? '', headers)
        : [destination.queue]
    const there = queues?.filter((queue) => this.#queues.has(queue)) ?? []
    if (there.length === 0) this.#parked.push(message)
    for (const queue of there) this.#queues.get(queue)!.put(arrivedOf(message, message.destination.exchange ?? ''))
  }
}

import {
  deathHeaders,
  type Arrival,
  type Broker,
  type BrokerHealth,
  type Death,
  type PublishOptions,
  type SubscribeOptions,
  type Subscription,
} from '../../broker.js'
import { destinationText, type Destination, type QueueDestination } from '../../destination.js'
import {
  HEADER,
  encodeEnvelope,
  routingKeyOf,
  type Arrived,
  type DelayedMessage,
  type Headers,
} from '../../envelope.js'
import { DuequeError } from '../../errors.js'
import { route, type Binding, type ExchangeType } from './exchange.js'

interface Subscriber {
  readonly listener: (arrival: Arrival) => void
  readonly prefetch: number
  unsettled: number
  cancelled: boolean
}

interface Queue {
  messages: Arrived[]
  readonly subscribers: Subscriber[]
}

interface Exchange {
  readonly type: ExchangeType
  readonly bindings: Binding[]
}

/** Queues and exchanges in the process's memory, for tests: what the `memory` strategy delivers into. */
export class MemoryBroker implements Broker {
  readonly #queues = new Map<string, Queue>()
  readonly #exchanges = new Map<string, Exchange>()
  readonly #parked: DelayedMessage[] = []
  #isOpen = false
  #changedAt = Date.now()

  declareQueue(name: string): void {
    if (!this.#queues.has(name)) this.#queues.set(name, { messages: [], subscribers: [] })
  }

  deleteQueue(name: string): void {
    this.#queues.delete(name)
  }

  declareExchange(name: string, type: ExchangeType): void {
    if (!this.#exchanges.has(name)) this.#exchanges.set(name, { type, bindings: [] })
  }

  bind(queue: string, exchange: string, key = '', args: Headers = {}): void {
    this.#exchanges.get(exchange)?.bindings.push({ queue, key, args })
  }

  /** What a queue holds and no consumer has taken. */
  messages(queue: string): readonly Arrived[] {
    return this.#queues.get(queue)?.messages ?? []
  }

  /** Takes the first message out of a queue. */
  take(queue: string): Arrived | undefined {
    return this.#queues.get(queue)?.messages.shift()
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
    this.#isOpen = true
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

  deliver(message: DelayedMessage, { declare }: PublishOptions): Promise<void> {
    this.ensure(message.destination, declare)
    this.#route(message)
    return Promise.resolve()
  }

  /** What is due goes to its destination, or is parked. */
  release(message: DelayedMessage): Promise<void> {
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
    this.#put(`${queue}.dead`, { ...arrived, headers })
    return Promise.resolve()
  }

  subscribe(
    { queue: name }: QueueDestination,
    { prefetch, declare }: SubscribeOptions,
    listener: (arrival: Arrival) => void,
  ): Promise<Subscription> {
    this.ensure({ queue: name }, declare)
    this.declareQueue(`${name}.dead`)
    const subscriber: Subscriber = { listener, prefetch, unsettled: 0, cancelled: false }
    this.#queues.get(name)!.subscribers.push(subscriber)
    this.#flow(name)
    return Promise.resolve({
      cancel: () => {
        subscriber.cancelled = true
        return Promise.resolve()
      },
      close: () => Promise.resolve(),
    })
  }

  health(): BrokerHealth {
    const isUsed = [...this.#queues.values()].some(({ subscribers }) => subscribers.some(({ cancelled }) => !cancelled))
    return {
      producer: this.#isOpen ? 'up' : 'down',
      consumer: !isUsed ? 'unused' : this.#isOpen ? 'up' : 'down',
      since: new Date(this.#changedAt).toISOString(),
      waitingForConfirm: 0,
    }
  }

  close(): Promise<void> {
    this.#isOpen = false
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
    for (const queue of there) this.#put(queue, arrivedOf(message))
  }

  #put(name: string, arrived: Arrived): void {
    this.#queues.get(name)?.messages.push(arrived)
    this.#flow(name)
  }

  /** Hands messages to the subscribers in turn, as far as their prefetch allows. */
  #flow(name: string): void {
    const queue = this.#queues.get(name)
    while (queue && queue.messages.length > 0) {
      const free = queue.subscribers.find(({ cancelled, unsettled, prefetch }) => !cancelled && unsettled < prefetch)
      if (!free) return
      queue.subscribers.push(...queue.subscribers.splice(queue.subscribers.indexOf(free), 1))
      const arrived = queue.messages.shift()!
      free.unsettled++
      free.listener(this.#arrival(name, free, arrived))
    }
  }

  #arrival(name: string, subscriber: Subscriber, arrived: Arrived): Arrival {
    let open = true
    const settle = (back: boolean) => {
      if (!open) return
      open = false
      subscriber.unsettled--
      if (back) this.#queues.get(name)?.messages.unshift({ ...arrived, redelivered: true })
      this.#flow(name)
    }
    return { ...arrived, live: true, ack: () => settle(false), requeue: () => settle(true) }
  }
}

function arrivedOf(message: DelayedMessage): Arrived {
  const { headers, ...properties } = encodeEnvelope(message)
  const { destination, body } = message
  const exchange = destination.exchange ?? ''
  return { body, properties, headers, exchange, routingKey: routingKeyOf(message), redelivered: false }
}

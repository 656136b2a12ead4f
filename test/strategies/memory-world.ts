import type { Arrived } from '../../src/message/envelope.js'
import type { ConnectOptions, Dueque, MemoryBroker } from '../../src/index.js'
import type { ExchangeType } from '../../src/strategies/memory/exchange.js'
import type { World } from './world.js'

/** A broker in memory. All connections share it, as processes share a RabbitMQ. */
export class MemoryWorld implements World {
  readonly #broker: MemoryBroker
  readonly #connect: (options: ConnectOptions) => Promise<Dueque>
  readonly #opened: Dueque[] = []

  constructor(broker: MemoryBroker, connect: (options: ConnectOptions) => Promise<Dueque>) {
    this.#broker = broker
    this.#connect = connect
  }

  async connect(options: ConnectOptions = {}): Promise<Dueque> {
    const mq = await this.#connect(options)
    this.#opened.push(mq)
    return mq
  }

  async declareQueue(name: string): Promise<void> {
    await Promise.resolve(this.#broker.declareQueue(name))
  }

  async deleteQueue(name: string): Promise<void> {
    await Promise.resolve(this.#broker.deleteQueue(name))
  }

  async declareExchange(name: string, type: ExchangeType): Promise<void> {
    await Promise.resolve(this.#broker.declareExchange(name, type))
  }

  async bind(queue: string, exchange: string, key?: string, args?: Record<string, string>): Promise<void> {
    await Promise.resolve(this.#broker.bind(queue, exchange, key, args))
  }

  async take(queue: string): Promise<Arrived | undefined> {
    return Promise.resolve(this.#broker.take(queue))
  }

  async depth(queue: string): Promise<number> {
    return Promise.resolve(this.#broker.messages(queue).length)
  }

  async parked(): Promise<number> {
    return Promise.resolve(this.#broker.parked().length)
  }

  async redrive(): Promise<void> {
    await Promise.resolve(this.#broker.redrive())
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((mq) => mq.close()))
  }
}

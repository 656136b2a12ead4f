import type { Arrived } from '../../src/envelope.js'
import { connect, type ConnectOptions, type Dueque, type MemoryStrategy } from '../../src/index.js'
import type { ExchangeType } from '../../src/strategies/memory/exchange.js'
import type { World } from './world.js'

/** The memory strategy's own broker. Every connection shares it, as processes share a RabbitMQ. */
export class MemoryWorld implements World {
  readonly #strategy: MemoryStrategy
  readonly #opened: Dueque[] = []

  constructor(strategy: MemoryStrategy) {
    this.#strategy = strategy
  }

  async connect(options: ConnectOptions = {}): Promise<Dueque> {
    const mq = await connect({ strategy: this.#strategy, ...options })
    this.#opened.push(mq)
    return mq
  }

  async declareQueue(name: string): Promise<void> {
    await Promise.resolve(this.#strategy.broker.declareQueue(name))
  }

  async deleteQueue(name: string): Promise<void> {
    await Promise.resolve(this.#strategy.broker.deleteQueue(name))
  }

  async declareExchange(name: string, type: ExchangeType): Promise<void> {
    await Promise.resolve(this.#strategy.broker.declareExchange(name, type))
  }

  async bind(queue: string, exchange: string, key?: string, args?: Record<string, string>): Promise<void> {
    await Promise.resolve(this.#strategy.broker.bind(queue, exchange, key, args))
  }

  async take(queue: string): Promise<Arrived | undefined> {
    return Promise.resolve(this.#strategy.broker.take(queue))
  }

  async depth(queue: string): Promise<number> {
    return Promise.resolve(this.#strategy.broker.messages(queue).length)
  }

  async parked(): Promise<number> {
    return Promise.resolve(this.#strategy.broker.parked().length)
  }

  async redrive(): Promise<void> {
    await Promise.resolve(this.#strategy.broker.redrive())
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((mq) => mq.close()))
  }
}

import { connect as connectRaw, type Channel, type ChannelModel } from 'amqplib'
import type { Arrived } from '../../src/message/envelope.js'
import { onTestFinished } from 'vitest'
import { connect, ladder, type ConnectOptions, type Dueque, type Strategy } from '../../src/index.js'
import type { ExchangeType } from '../../src/strategies/memory/exchange.js'
import type { World } from './world.js'

const PARKED = 'dueque.v1.parked'
const DELIVER = 'dueque.v1.deliver'

/** A vhost of RabbitMQ, seen through plain amqplib beside dueque. With several URLs, amqplib uses the first. */
export class AmqpWorld implements World {
  readonly url: string | readonly string[]
  readonly #make: () => Strategy
  readonly #opened: Dueque[] = []
  #admin: Promise<ChannelModel> | undefined
  /** Open channels that no operation uses: a new one for each would cost the broker as much as the operation. */
  readonly #idle: Channel[] = []

  constructor(url: string | readonly string[], make: () => Strategy) {
    this.url = url
    this.#make = make
  }

  async connect(options: ConnectOptions = {}): Promise<Dueque> {
    const mq = await connect({ url: this.url, strategy: this.#make(), ...options })
    this.#opened.push(mq)
    return mq
  }

  declareQueue(name: string): Promise<void> {
    return this.admin((channel) => channel.assertQueue(name, { arguments: { 'x-queue-type': 'quorum' } }))
  }

  deleteQueue(name: string): Promise<void> {
    return this.admin((channel) => channel.deleteQueue(name))
  }

  declareExchange(name: string, type: ExchangeType): Promise<void> {
    return this.admin((channel) => channel.assertExchange(name, type))
  }

  bind(queue: string, exchange: string, key = '', args = {}): Promise<void> {
    return this.admin((channel) => channel.bindQueue(queue, exchange, key, args))
  }

  async take(queue: string): Promise<Arrived | undefined> {
    let taken: Arrived | undefined
    await this.admin(async (channel) => {
      const message = await channel.get(queue, { noAck: true })
      if (!message) return
      const { headers, ...properties } = message.properties
      taken = { body: message.content, properties, headers: headers ?? {}, ...message.fields }
    })
    return taken
  }

  async depth(queue: string): Promise<number> {
    let depth = 0
    await this.admin(async (channel) => {
      depth = (await channel.checkQueue(queue)).messageCount
    })
    return depth
  }

  parked(): Promise<number> {
    return this.depth(PARKED)
  }

  /** By hand, as docs/wire-format.md describes: `dueque-to` is the destination of a parked message. */
  async redrive(): Promise<void> {
    for (let message = await this.take(PARKED); message; message = await this.take(PARKED)) {
      const { body, properties, headers, routingKey } = message
      const key = `dq~${String(headers['dueque-to']).replace(':', '~')}`
      await this.admin((channel) => {
        channel.publish(DELIVER, routingKey, Buffer.from(body), { ...properties, headers: { ...headers, BCC: [key] } })
        return Promise.resolve()
      })
    }
  }

  /** On a channel that no other operation uses: cases run concurrently, and a failed operation closes its channel. */
  async admin(work: (channel: Channel) => Promise<unknown>): Promise<void> {
    const channel = this.#idle.pop() ?? (await this.#openChannel())
    await work(channel)
    this.#idle.push(channel)
  }

  async #openChannel(): Promise<Channel> {
    this.#admin ??= connectRaw([this.url].flat()[0]!, { noDelay: true })
    const channel = await (await this.#admin).createChannel()
    // The rejected operation reports it.
    channel.on('error', () => undefined)
    return channel
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((mq) => mq.close()))
    await this.#admin?.then((model) => model.close()).catch(() => undefined)
  }
}

/** A vhost as an operator sees it; its connections end with the test. */
export function openWorld(url: string): AmqpWorld {
  const world = new AmqpWorld(url, ladder)
  onTestFinished(() => world.close())
  return world
}

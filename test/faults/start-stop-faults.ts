import { setTimeout as pause } from 'node:timers/promises'
import { connect, type Channel, type ChannelModel } from 'amqplib'
import { below } from '../../bench/soak/random.js'
import { TcpProxy } from '../../scripts/broker/tcp-proxy.js'

export interface LaneSettings {
  /** Of the virtual host. */
  url: string
  management?: string | undefined
  /** Of Redis or PostgreSQL. */
  store?: string | undefined
  /** Of the keys in Redis. */
  prefix?: string | undefined
  /** How long a network is silent, at most. */
  longestMs: number
}

export interface Fault {
  readonly name: string
  readonly run: () => Promise<unknown>
}

/** A broker and a store behind proxies, and what goes wrong there. */
export class FaultyLane {
  readonly settings: LaneSettings
  readonly broker: TcpProxy
  readonly store: TcpProxy | undefined
  /** Queues and exchanges that an operator deletes. */
  readonly victims: { queues: string[]; exchanges: string[] } = { queues: [], exchanges: [] }
  readonly #model: ChannelModel

  static async open(settings: LaneSettings): Promise<FaultyLane> {
    const { url, store } = settings
    const model = await connect(url, { noDelay: true, clientProperties: { connection_name: OPERATOR } })
    return new FaultyLane(
      settings,
      await TcpProxy.to(url),
      store === undefined ? undefined : await TcpProxy.to(store),
      model,
    )
  }

  private constructor(settings: LaneSettings, broker: TcpProxy, store: TcpProxy | undefined, model: ChannelModel) {
    this.settings = settings
    this.broker = broker
    this.store = store
    this.#model = model
  }

  get url(): string {
    return this.broker.url()
  }

  /** Each is over when it resolves. */
  pick(random: () => number): Fault {
    const proxy = this.store && below(2, random) === 0 ? this.store : this.broker
    const which = proxy === this.store ? 'store' : 'broker'
    const ms = below(this.settings.longestMs, random)
    const faults: Fault[] = [
      { name: 'none', run: () => Promise.resolve() },
      { name: `${which} cut`, run: () => Promise.resolve(proxy.cut()) },
      { name: `${which} silent`, run: () => this.#silence(proxy, ms) },
      { name: `${which} silent and cut`, run: () => this.#silence(proxy, ms).then(() => proxy.cut()) },
      { name: `${which} refuses`, run: () => this.#refuse(proxy, ms) },
    ]
    const { queues, exchanges } = this.victims
    const [queue, exchange] = [queues[below(queues.length, random)], exchanges[below(exchanges.length, random)]]
    if (queue !== undefined)
      faults.push({ name: 'queue deleted', run: () => this.#delete((channel) => channel.deleteQueue(queue)) })
    if (exchange !== undefined)
      faults.push({ name: 'exchange deleted', run: () => this.#delete((channel) => channel.deleteExchange(exchange)) })
    return faults[below(faults.length, random)]!
  }

  async close(): Promise<void> {
    this.broker.close()
    this.store?.close()
    await this.#model.close()
  }

  async #silence(proxy: TcpProxy, ms: number): Promise<void> {
    proxy.freeze()
    await pause(ms)
    proxy.thaw()
  }

  async #refuse(proxy: TcpProxy, ms: number): Promise<void> {
    proxy.refuse()
    proxy.cut()
    await pause(ms)
    await proxy.listen()
  }

  async #delete(how: (channel: Channel) => Promise<unknown>): Promise<void> {
    const channel = await this.#model.createChannel()
    channel.on('error', () => undefined)
    await how(channel).catch(() => undefined)
    await channel.close().catch(() => undefined)
  }
}

/** The name of the connections that are left open. */
export const OPERATOR = 'start-stop operator'

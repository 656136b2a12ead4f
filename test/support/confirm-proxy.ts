import { once } from 'node:events'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { encoded, framesOf, methodId, type WholeFrame } from './amqp-server.js'

/** Whether the confirm of a publish into this exchange does not arrive. */
export type Swallows = (exchange: string) => boolean

/** Whether an answer of the broker, such as `QueueDeclareOk`, does not arrive. */
export type SwallowsAnswer = (method: number | undefined) => boolean

/**
 * A proxy in front of a broker that swallows confirms of publishes, as a connection that ends too early does: the broker has
 * the message, and its publisher is not told so. It also swallows other answers.
 */
export class ConfirmProxy {
  static async to(url: string): Promise<ConfirmProxy> {
    const proxy = new ConfirmProxy(new URL(url))
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  swallows: Swallows = () => false
  swallowsAnswer: SwallowsAnswer = () => false
  /** Confirms that did not arrive. */
  swallowed = 0
  /** Publishes that the broker has not confirmed. */
  unanswered = 0
  readonly #target: URL
  readonly #server = createServer((client) => this.#serve(client))
  readonly #sockets = new Set<Socket>()

  private constructor(target: URL) {
    this.#target = target
  }

  get url(): string {
    const url = new URL(this.#target)
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return url.href
  }

  /** Ends every connection. New connections may open. */
  cut(): void {
    this.unanswered = 0
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  close(): void {
    this.#server.close()
    this.cut()
  }

  #serve(client: Socket): void {
    const broker = connect(Number(this.#target.port || 5672), this.#target.hostname)
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.setNoDelay()
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    const unconfirmed = new Unconfirmed()
    // The protocol header has 8 bytes: AMQP 0-9-1, 4.2.2.
    const sent = framesOf(8, (frame) => {
      if (unconfirmed.sent(frame)) this.unanswered++
    })
    client.on('data', (bytes) => {
      sent(bytes)
      broker.write(bytes)
    })
    const received = framesOf(0, (frame) => client.write(this.#left(unconfirmed, frame)))
    broker.on('data', received)
  }

  /** The frame as the client gets it. One confirm of several publishes becomes one for each. */
  #left(unconfirmed: Unconfirmed, frame: WholeFrame): Buffer {
    if (frame.id !== methodId('BasicAck')) return this.swallowsAnswer(frame.id) ? Buffer.alloc(0) : frame.bytes
    const { deliveryTag, multiple } = frame.fields as { deliveryTag: number; multiple: boolean }
    const taken = unconfirmed.taken(frame.channel, deliveryTag, multiple)
    this.unanswered -= taken.length
    const confirms = taken.flatMap(({ tag, exchange }) => {
      const isLeft = !this.swallows(exchange)
      if (!isLeft) this.swallowed++
      return isLeft ? [encoded('BasicAck', frame.channel, { deliveryTag: tag, multiple: false })] : []
    })
    return Buffer.concat(confirms)
  }
}

/** The publishes of one connection that the broker has not confirmed, by channel. */
class Unconfirmed {
  readonly #channels = new Map<number, { last: number; exchanges: Map<number, string> }>()

  /** @returns whether it is one more */
  sent({ id, channel, fields }: WholeFrame): boolean {
    if (id === methodId('ChannelOpen')) this.#channels.set(channel, { last: 0, exchanges: new Map() })
    if (id !== methodId('BasicPublish')) return false
    const open = this.#channels.get(channel)!
    open.exchanges.set(++open.last, fields!['exchange'] as string)
    return true
  }

  taken(channel: number, upTo: number, multiple: boolean): { tag: number; exchange: string }[] {
    const { exchanges } = this.#channels.get(channel)!
    const tags = multiple ? [...exchanges.keys()].filter((tag) => tag <= upTo) : [upTo]
    return tags.map((tag) => {
      const exchange = exchanges.get(tag)!
      exchanges.delete(tag)
      return { tag, exchange }
    })
  }
}

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A proxy in front of a broker, to simulate network faults: it listens on its own port and forwards data. */
export class TcpProxy {
  /** In front of the host and port of an AMQP URL. */
  static async to(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(url))
    await proxy.listen()
    return proxy
  }

  /** Delay of each chunk in each direction. It applies to data from now on. */
  latencyMs = 0
  /** Throughput in each direction of each connection; excess data is not read yet. It applies to data from now on. */
  bytesPerSecond = Infinity
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #port = 0
  /** Pending while frozen. */
  #flow: Promise<void> = Promise.resolve()
  #thaw: (() => void) | undefined

  private constructor(target: URL) {
    this.#target = target
  }

  get port(): number {
    return this.#port
  }

  /** The given URL through this proxy; or another one of the same broker. */
  url(of: string = this.#target.href): string {
    const url = new URL(of)
    url.hostname = '127.0.0.1'
    url.port = String(this.#port)
    return url.href
  }

  /** Ends every connection with a reset, to both sides. Data in the proxy are lost. New connections may open. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /**
   * Goes silent: accepts and keeps connections, but forwards nothing, not even their end. It simulates a network that
   * drops packets, or a machine that lost its power.
   */
  freeze(): void {
    if (this.#thaw) return
    this.#flow = new Promise((resolve) => (this.#thaw = resolve))
    for (const socket of this.#sockets) socket.pause()
  }

  /** Forwards data again, first the data that was sent meanwhile, as TCP does. */
  thaw(): void {
    this.#thaw?.()
    this.#thaw = undefined
    for (const socket of this.#sockets) socket.resume()
  }

  /** New connections are refused; those that are open stay. */
  refuse(): void {
    this.#server?.close()
    this.#server = undefined
  }

  /** Takes connections, again on the same port after `refuse`. */
  async listen(): Promise<void> {
    const server = createServer((client) => void this.#serve(client))
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  close(): void {
    this.refuse()
    this.cut()
    this.thaw()
  }

  async #serve(client: Socket): Promise<void> {
    this.#keep(client)
    // Its data wait in the socket until a listener reads them.
    await this.#flow
    if (client.destroyed) return
    const { hostname, port } = this.#target
    const broker = connect(Number(port || 5672), hostname)
    this.#keep(broker)
    this.#passOn(client, broker)
    this.#passOn(broker, client)
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setNoDelay()
    socket.on('error', () => undefined) // `close` tells
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #passOn(from: Socket, to: Socket): void {
    let before = Promise.resolve()
    const inTurn = (step: () => unknown) => {
      const at = performance.now() + this.latencyMs
      before = before.then(async () => {
        const wait = at - performance.now()
        if (wait > 0) await sleep(wait)
        await this.#flow
        if (!to.destroyed) await step()
      })
    }
    from.on('data', (data) => {
      inTurn(() => to.write(data))
      const wait = (data.length / this.bytesPerSecond) * 1000
      if (wait === 0) return
      from.pause()
      inTurn(() => sleep(wait).then(() => this.#thaw ?? from.resume()))
    })
    from.on('end', () => inTurn(() => to.end()))
    from.on('close', (failed) => inTurn(() => (failed ? to.resetAndDestroy() : to.end())))
  }
}

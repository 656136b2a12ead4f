import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The way to a broker, to be broken at will: listens on a port of its own and passes on what comes. */
export class TcpProxy {
  /** In front of the host and port of an AMQP URL. */
  static async to(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(url))
    await proxy.listen()
    return proxy
  }

  /** Of each piece of data in each direction. It holds for what comes from now on. */
  latencyMs = 0
  /** In each direction of each connection; what comes faster is not read. It holds for what comes from now on. */
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

  /** The URL that was given, by way of this proxy; or another one of the same broker. */
  url(of: string = this.#target.href): string {
    const url = new URL(of)
    url.hostname = '127.0.0.1'
    url.port = String(this.#port)
    return url.href
  }

  /** Ends every connection with a reset, to both sides. What is under way in the proxy is lost. New ones may come. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /**
   * Goes silent: takes connections and keeps them, but passes nothing on, not even their end. As a network that drops
   * packets, or a machine that lost its power.
   */
  freeze(): void {
    if (this.#thaw) return
    this.#flow = new Promise((resolve) => (this.#thaw = resolve))
    for (const socket of this.#sockets) socket.pause()
  }

  /** Passes everything on again, and first what was sent meanwhile, as TCP does. */
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
    // Its data wait in the socket until somebody listens for them.
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

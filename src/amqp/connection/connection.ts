import type { ChannelModel } from 'amqplib'
import { backoff } from '../../base/backoff.js'
import { DuequeError, errorText } from '../../base/errors.js'
import type { Endpoint } from './endpoint.js'
import { CLOSE_MS, closeInTime } from './close-in-time.js'
import { connectTo, type ConnectionSettings } from './connect-to.js'
import { isPassing, unreachable } from './failures.js'
import { readEveryMessage } from './readable.js'
import type { Duplex } from 'node:stream'
import { gatherWrites, socketOf } from './socket.js'

/** What happens to a connection after it was first opened. */
export interface ConnectionEvents {
  disconnected: (error: Error | undefined) => void
  reconnected: () => void
  blocked: (reason: string) => void
  unblocked: () => void
  error: (error: DuequeError) => void
}

/**
 * One connection that comes back. Over amqplib's plain `connect`, because its own recovery knows a single URL and hangs
 * on errors that no retry will mend: see docs/decisions/004-own-reconnect-loop.md.
 */
export class AmqpConnection {
  readonly #settings: ConnectionSettings
  readonly #events: ConnectionEvents
  readonly #whenUp = new Set<(model: ChannelModel) => void>()
  #model: ChannelModel | undefined
  #failure: Error | undefined
  #closed = false
  #blocked: string | undefined
  #changedAt = Date.now()
  #broker: { product: string; version: string } | undefined
  #wake: (() => void) | undefined
  /** Ends the attempt that is under way. */
  #attempting: AbortController | undefined
  /** Those that were opened and whose sockets are not closed yet. */
  readonly #sockets = new Set<Duplex>()
  #next = 0

  constructor(settings: ConnectionSettings, events: ConnectionEvents) {
    this.#settings = settings
    this.#events = events
  }

  /** The open connection, or `undefined` while it is away. */
  get model(): ChannelModel | undefined {
    return this.#model
  }

  /** What the open connection, or the last one, ended with, as soon as it does. */
  get failure(): Error | undefined {
    return this.#failure
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Why the broker takes nothing on this connection. It says so at the first publish after an alarm, not before. */
  get blocked(): string | undefined {
    return this.#blocked
  }

  /** When it last came, went, was blocked or unblocked: milliseconds since the epoch. */
  get changedAt(): number {
    return this.#changedAt
  }

  /** What the broker called itself when it was last connected to. */
  get broker(): { product: string; version: string } | undefined {
    return this.#broker
  }

  /** Calls `listener` now, if connected, and after every reconnect. Returns what removes it. */
  whenUp(listener: (model: ChannelModel) => void): () => void {
    this.#whenUp.add(listener)
    if (this.#model) listener(this.#model)
    return () => this.#whenUp.delete(listener)
  }

  /** The connection, as soon as there is one. @throws DuequeError `CLOSED` */
  async ready(): Promise<ChannelModel> {
    this.#assertOpen()
    if (this.#model) return this.#model
    await new Promise<void>((resolve) => {
      const remove = this.whenUp(done)
      this.#waiting.add(done)
      const waiting = this.#waiting
      function done() {
        remove()
        waiting.delete(done)
        resolve()
      }
    })
    return this.ready()
  }

  readonly #waiting = new Set<() => void>()

  /**
   * Tries each URL once.
   *
   * @throws DuequeError `CLOSED`, `UNREACHABLE`, `AUTHENTICATION_FAILED`, `VHOST_REFUSED`, `TLS_REFUSED`, `UNSUPPORTED`
   */
  async open(): Promise<void> {
    const failures: DuequeError[] = []
    for (const endpoint of this.#settings.endpoints) {
      this.#assertOpen()
      const result = await this.#attempt(endpoint)
      if (!(result instanceof DuequeError)) {
        this.#up(result)
        return this.#assertOpen()
      }
      failures.push(result)
    }
    this.#assertOpen()
    throw failures.find((failure) => !isPassing(failure)) ?? unreachable(failures)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#wake?.()
    const model = this.#model
    this.#model = undefined
    this.#changed()
    for (const done of [...this.#waiting]) done()
    this.#attempting?.abort()
    await closeInTime(model?.close())
    this.destroy()
  }

  /** Ends every socket, whatever the other end says or does not say, so that nothing is left to keep the process alive. */
  destroy(): void {
    this.#closed = true
    this.#wake?.()
    this.#attempting?.abort()
    for (const socket of this.#sockets) end(socket)
    for (const done of [...this.#waiting]) done()
  }

  #assertOpen(): void {
    if (this.#closed) throw new DuequeError('CLOSED', 'dueque is closed', {})
  }

  async #attempt(endpoint: Endpoint): Promise<ChannelModel | DuequeError> {
    const attempting = (this.#attempting = new AbortController())
    try {
      return await connectTo(endpoint, this.#settings, attempting.signal, (model) => this.#watch(model))
    } finally {
      if (this.#attempting === attempting) this.#attempting = undefined
    }
  }

  #watch(model: ChannelModel): void {
    // A connection may end before anybody listens, and Node ends the process for an error that nobody hears.
    model.on('error', () => undefined)
    const socket = socketOf(model)
    if (!socket) return
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #up(model: ChannelModel): void {
    if (this.#closed) return void closeInTime(model.close()).then(() => end(socketOf(model)))
    this.#failure = undefined
    // Each declaration that is under way listens too.
    model.setMaxListeners(0)
    model.on('error', (error) => {
      if (this.#model === model) this.#failure = error
    })
    model.on('blocked', (reason) => {
      if (this.#model === model) this.#changed(reason)
      this.#events.blocked(reason)
    })
    model.on('unblocked', () => {
      if (this.#model === model) this.#changed()
      this.#events.unblocked()
    })
    model.on('close', (error) => {
      if (this.#model === model) this.#down(this.#failure ?? error)
    })
    const socket = socketOf(model)
    if (socket) gatherWrites(socket)
    readEveryMessage(model)
    this.#model = model
    const { product, version } = model.connection.serverProperties as { product?: unknown; version?: unknown }
    this.#broker = { product: String(product), version: String(version) }
    this.#changed()
    for (const listener of [...this.#whenUp]) listener(model)
  }

  /**
   * An operation on `model` failed without the broker's word. If it was closed before anybody could listen (the reply to
   * the open and the close may come in one packet), no event will ever tell.
   */
  suspect(model: ChannelModel): void {
    if (this.#model !== model) return
    const probe = model.createChannel().then(
      (channel) => channel.close(),
      (error: unknown) => {
        if (this.#model === model && (error as Error).name === 'IllegalOperationError') this.#down(error as Error)
      },
    )
    probe.catch(() => undefined)
  }

  /** Ends a connection on which the broker does not answer. It is opened again. */
  cut(model: ChannelModel): void {
    if (this.#model === model) socketOf(model)?.destroy(new Error('the broker does not answer'))
  }

  #changed(blocked?: string): void {
    this.#blocked = blocked
    this.#changedAt = Date.now()
  }

  #down(error: Error | undefined): void {
    if (this.#model) letGo(this.#model)
    this.#model = undefined
    this.#changed()
    if (this.#closed) return
    this.#settings.logger.warn('connection lost', { connection: this.#settings.name, error: error && errorText(error) })
    this.#events.disconnected(error)
    void this.#reconnect()
  }

  /** Goes round the URLs for ever: only `close` ends it. Errors that no retry will mend are reported as well as retried. */
  async #reconnect(): Promise<void> {
    const { endpoints, logger, name } = this.#settings
    for (let attempt = 0; !this.#closed; attempt++) {
      await this.#pause(backoff(attempt))
      if (this.#closed) return
      this.#next = (this.#next + 1) % endpoints.length
      const endpoint = endpoints[this.#next]!
      const result = await this.#attempt(endpoint)
      if (!(result instanceof DuequeError)) {
        this.#up(result)
        if (this.#closed) return
        logger.info('connected again', { connection: name, host: endpoint.host })
        this.#events.reconnected()
        return
      }
      logger.warn('reconnect failed', { connection: name, attempt, error: result.message })
      if (!isPassing(result)) this.#events.error(result)
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }
}

/** Only an error tells amqplib, whose heartbeat would go on otherwise. */
function end(socket: Duplex | undefined): void {
  socket?.destroy(new Error('closed'))
}

/** amqplib ends the socket; one whose other end is silent would stay half open, and keep the process alive. */
function letGo(model: ChannelModel): void {
  setTimeout(() => socketOf(model)?.destroy(), CLOSE_MS).unref()
}

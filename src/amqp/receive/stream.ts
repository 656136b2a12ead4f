import type { Channel, ConsumeMessage } from 'amqplib'
import { DuequeError, errorText } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { RecoveringChannel } from '../connection/channel.js'
import type { AmqpConnection } from '../connection/connection.js'
import { isLoss, operationFailure } from '../connection/failures.js'
import { offsetOf, streamEnd, writtenAtOf, type StreamEnd } from './stream-end.js'

export interface StreamRecord {
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, unknown>>
  readonly offset: number
  /** Milliseconds since the epoch, as its publisher wrote it. */
  readonly writtenAt: number | undefined
}

export interface StreamSettings {
  connection: AmqpConnection
  /** The stream. */
  queue: string
  /** Milliseconds since the epoch. Whole chunks are read, so that a few earlier records may come first. */
  from: number
  /** Records may repeat after a reconnect. A record for which it throws is skipped, counted and reported. */
  onRecord: (record: StreamRecord) => void
  /** A record could not be read. */
  onUnreadable?: ((error: unknown, record: StreamRecord) => void) | undefined
  /** The stream cannot be read. It is tried again all the same. */
  onError: (error: DuequeError) => void
  /** Declares the stream, before each start. */
  prepare?: (() => Promise<void>) | undefined
  /** The stream was deleted, or has moved. It is prepared anew. */
  deleted?: (() => void) | undefined
  /** The reader has lost its place: after it {@link StreamReader.reached} has to prove the end again. */
  onLost?: (() => void) | undefined
  logger: Logger
}

export interface StreamReader {
  /**
   * Resolves when every record was read that was in the stream at the time of the call, whatever happens to the connection
   * meanwhile.
   *
   * @throws DuequeError `CLOSED`
   */
  reached(): Promise<void>
  /** Records up to the end that was last found; undefined as long as no end is known. */
  readonly lag: number | undefined
  /** Records that were skipped. */
  readonly unreadable: number
  /** Reads anew from the last record on, as after a lost channel: for a reader that hangs in silence. */
  restart(): void
  close(): Promise<void>
}

/** Unacked records at most. A stream needs a prefetch. */
const PREFETCH = 500
const ACK_EVERY = PREFETCH / 2
/** An unacked record closes the channel by the consumer timeout of RabbitMQ before 4.3. */
const ACK_AFTER_MS = 100
/** How much is read again after a reconnect: the publisher's clock is another than the broker's. */
const READ_AGAIN_MS = 60_000
/** A reader that starts behind the last record gets none. */
const NOTHING_MS = 5000
const PROBE_AGAIN_MS = 500

/**
 * Reads a stream over AMQP 0-9-1 from a time on, and again after whatever ends it. It starts again by the time of the last
 * record, never by its offset: a stream that was deleted and declared anew has no such offset, and sends nothing.
 *
 * @throws DuequeError when the first start fails for a reason that stays
 */
export async function openStream(settings: StreamSettings): Promise<StreamReader> {
  const reader = new RunningStream(settings)
  await reader.start()
  return reader
}

class RunningStream implements StreamReader {
  unreadable = 0
  readonly #settings: StreamSettings
  #lane: RecoveringChannel<Channel> | undefined
  #started = false
  #closed = false
  #from: number
  #startedFrom: number
  /** Of the last record since the last start. */
  #offset: number | undefined
  #end: StreamEnd | undefined
  #unacked: ConsumeMessage | undefined
  #unackedCount = 0
  #ackTimer: ReturnType<typeof setTimeout> | undefined
  /** Woken by each record and by each change of the channel. */
  readonly #waiting = new Set<() => void>()

  constructor(settings: StreamSettings) {
    this.#settings = settings
    this.#from = this.#startedFrom = settings.from
  }

  get lag(): number | undefined {
    return this.#end && Math.max(this.#end.offset - (this.#offset ?? -1), 0)
  }

  start(): Promise<void> {
    const { connection, queue, onError, logger } = this.#settings
    return new Promise((resolve, reject) => {
      this.#lane = new RecoveringChannel(connection, {
        open: (model) => model.createChannel(),
        up: (channel) => this.#up(channel).then(resolve),
        down: (error) => {
          this.#lost()
          if (error) logger.warn('the channel of a stream was lost', { queue, error: errorText(error) })
        },
        failed: (error) => {
          this.#lost()
          if (isLoss(error)) return true
          const failure = operationFailure(error, `queue ${queue}`, 'read')
          if (this.#started) onError(failure)
          else reject(failure)
          return this.#started
        },
      })
    })
  }

  async #up(channel: Channel): Promise<void> {
    const { queue, prepare } = this.#settings
    await prepare?.()
    await channel.prefetch(PREFETCH)
    this.#offset = undefined
    this.#startedFrom = this.#from
    const seconds = Math.max(Math.floor(this.#from / 1000), 0)
    const args = { 'x-stream-offset': { '!': 'timestamp', value: seconds } }
    await channel.consume(queue, (message) => this.#arrived(channel, message), { arguments: args })
    this.#started = true
    this.#changed()
  }

  /** Never throws: a throw here would close the connection. */
  #arrived(channel: Channel, message: ConsumeMessage | null): void {
    if (this.#lane?.channel !== channel) return
    // The stream was deleted, or its replica. The channel starts again with its successor.
    if (!message) {
      this.#settings.deleted?.()
      return void channel.close().catch(() => undefined)
    }
    this.#ackLater(channel, message)
    this.#read(message)
    this.#changed()
  }

  #read(message: ConsumeMessage): void {
    const { content: body, properties } = message
    const [offset, writtenAt] = [offsetOf(message), writtenAtOf(message)]
    this.#offset = offset
    // A publisher's clock may be ahead: nothing written later may be left out.
    if (writtenAt !== undefined)
      this.#from = Math.max(this.#settings.from, Math.min(writtenAt, Date.now()) - READ_AGAIN_MS)
    const record = { body, headers: properties.headers ?? {}, offset, writtenAt }
    try {
      this.#settings.onRecord(record)
    } catch (error) {
      this.unreadable++
      this.#report(error, record)
    }
  }

  #report(error: unknown, record: StreamRecord): void {
    const { queue, logger, onUnreadable } = this.#settings
    try {
      logger.warn('a record of a stream could not be read: skipped', {
        queue,
        offset: record.offset,
        error: errorText(error),
      })
      onUnreadable?.(error, record)
    } catch (failure) {
      logger.error('a listener threw', { error: errorText(failure) })
    }
  }

  #ackLater(channel: Channel, message: ConsumeMessage): void {
    this.#unacked = message
    if (++this.#unackedCount >= ACK_EVERY) return this.#ack(channel)
    this.#ackTimer ??= setTimeout(() => this.#ack(channel), ACK_AFTER_MS)
  }

  #ack(channel: Channel): void {
    const message = this.#unacked
    this.#forgetUnacked()
    if (!message || this.#lane?.channel !== channel) return
    try {
      channel.ack(message, true)
    } catch (error) {
      // The channel is gone; the reader starts again.
      if ((error as Error).name !== 'IllegalOperationError') throw error
    }
  }

  #forgetUnacked(): void {
    clearTimeout(this.#ackTimer)
    this.#ackTimer = undefined
    this.#unacked = undefined
    this.#unackedCount = 0
  }

  #lost(): void {
    this.#forgetUnacked()
    this.#offset = undefined
    this.#end = undefined
    this.#changed()
    this.#settings.onLost?.()
  }

  async reached(): Promise<void> {
    for (;;) {
      if (this.#closed) throw new DuequeError('CLOSED', 'the stream reader is closed', {})
      const channel = this.#lane?.channel
      if (!channel) await this.#change()
      else if (await this.#reachedOn(channel)) return
    }
  }

  /** False if the channel was lost meanwhile, or the end could not be found. */
  async #reachedOn(channel: Channel): Promise<boolean> {
    const { connection, queue, logger } = this.#settings
    const isLive = () => !this.#closed && this.#lane?.channel === channel
    try {
      const model = await connection.ready()
      const end = await streamEnd(model, queue)
      if (!isLive()) return false
      if (!end) return true
      this.#end = end
      const isOlder = end.writtenAt !== undefined && end.writtenAt < this.#startedFrom - READ_AGAIN_MS
      const nothingAt = performance.now() + (isOlder ? 0 : NOTHING_MS)
      while (isLive()) {
        const hasNothing = this.#offset === undefined
        if (hasNothing ? performance.now() >= nothingAt : this.#offset! >= end.offset) return true
        await this.#change(hasNothing ? nothingAt - performance.now() : undefined)
      }
    } catch (error) {
      logger.debug('the end of a stream could not be found', { queue, error: errorText(error) })
      if (isLive()) await this.#change(PROBE_AGAIN_MS)
    }
    return false
  }

  /** Resolves at the next change, or after `ms`. */
  async #change(ms?: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve)
      if (ms !== undefined) timer = setTimeout(resolve, Math.max(ms, 0))
    })
    clearTimeout(timer)
  }

  restart(): void {
    void this.#lane?.channel?.close().catch(() => undefined)
  }

  #changed(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  async close(): Promise<void> {
    this.#closed = true
    const channel = this.#lane?.channel
    if (channel) this.#ack(channel)
    this.#forgetUnacked()
    this.#changed()
    await this.#lane?.close()
  }
}

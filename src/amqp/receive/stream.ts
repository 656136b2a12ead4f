import { setTimeout as pause } from 'node:timers/promises'
import type { Channel, ConsumeMessage } from 'amqplib'
import { DuequeError, errorText } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { endsWithin } from '../../base/time-limit.js'
import { RecoveringChannel } from '../connection/channel.js'
import type { AmqpConnection } from '../connection/connection.js'
import { isLoss, operationFailure, replyCode } from '../connection/failures.js'
import { openPlainChannel } from '../connection/uninstrumented.js'
import { FirstStart } from './first-start.js'
import { PREFETCH, StreamAcks } from './stream-acks.js'
import { offsetOf, streamEnd, writtenAtOf, type StreamEnd } from './stream-end.js'
import { StreamPlace } from './stream-place.js'

export interface StreamRecord {
  /** Of its message: the writers of this package give each one another. */
  readonly id: string | undefined
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
  /** The stream cannot be read. It is tried again all the same. */
  onError: (error: DuequeError) => void
  /** Declares the stream, before each start. */
  prepare?: (() => Promise<void>) | undefined
  /** The stream was deleted, or has moved. It is prepared anew. */
  deleted?: (() => void) | undefined
  /** The reader has lost its place: after it {@link StreamReader.reached} has to prove the end again. */
  onLost?: (() => void) | undefined
  /** Closes the reader, also while it starts. */
  closing?: AbortSignal | undefined
  logger: Logger
}

export interface StreamReader {
  /**
   * Resolves when every record was read that was in the stream at the time of the call, whatever happens to the connection
   * meanwhile. A reader that hangs in silence starts again.
   *
   * @param over aborted when nobody waits for it any more: it looks for no end after an outage then
   * @throws DuequeError `CLOSED`
   */
  reached(over?: AbortSignal): Promise<void>
  /**
   * Whether the broker has answered behind every record that it had at the time of the call. False if it cannot be known, as
   * when the channel was lost meanwhile.
   */
  answered(): Promise<boolean>
  /** Records up to the end that was last found; undefined as long as no end is known. */
  readonly lag: number | undefined
  /** Records that were skipped. */
  readonly unreadable: number
  close(): Promise<void>
}

/** A reader that is not at the end, and gets nothing for so long, hangs, or has started behind the last record. */
const STALLED_MS = 5000
const PROBE_AGAIN_MS = 500

/**
 * Reads a stream over AMQP 0-9-1 from a time on, and again after whatever ends it, from its {@link StreamPlace}.
 *
 * A node without a replica of the stream may get one: that is reported and tried again.
 *
 * @throws DuequeError when the first start fails for a reason that stays, `CLOSED`
 */
export async function openStream(settings: StreamSettings): Promise<StreamReader> {
  const reader = new RunningStream(settings)
  await reader.start()
  return reader
}

class RunningStream implements StreamReader {
  unreadable = 0
  readonly #settings: StreamSettings
  readonly #place: StreamPlace
  #lane: RecoveringChannel<Channel> | undefined
  /** Records of another channel do not count. */
  #current: Channel | undefined
  #acks: StreamAcks | undefined
  /** The current channel, once the broker has taken the reader. */
  #reading: Channel | undefined
  readonly #firstStart = new FirstStart()
  #started = false
  #closed = false
  #end: StreamEnd | undefined
  /** Woken by the last record and by each change of the channel. */
  readonly #waiting = new Set<() => void>()
  /** Stops listening to `closing`, which may outlive many readers. */
  #unlisten: () => void = () => undefined

  constructor(settings: StreamSettings) {
    this.#settings = settings
    this.#place = new StreamPlace(settings.from)
  }

  get lag(): number | undefined {
    return this.#end && this.#place.behind(this.#end)
  }

  start(): Promise<void> {
    const { connection, queue, onError, deleted, closing, logger } = this.#settings
    if (closing?.aborted) return Promise.reject(closed())
    return new Promise((resolve, reject) => {
      const close = () => {
        reject(closed())
        void this.close()
      }
      closing?.addEventListener('abort', close, { once: true })
      this.#unlisten = () => closing?.removeEventListener('abort', close)
      this.#lane = new RecoveringChannel(connection, {
        open: openPlainChannel,
        up: (channel) => this.#up(channel).then(resolve),
        down: (error) => {
          this.#lost()
          // The failure of a start is told by the start.
          if (error && this.#started)
            logger.warn('the channel of a stream was lost', { queue, error: errorText(error) })
        },
        failed: (error) => {
          this.#lost()
          if (isLoss(error)) return true
          const failure = operationFailure(error, `queue ${queue}`, 'read')
          if (replyCode(error) === 404) deleted?.()
          const isLasting = !this.#started && !this.#firstStart.mayComeYet(error)
          if (isLasting) {
            this.#unlisten()
            reject(failure)
          } else onError(failure)
          return !isLasting
        },
      })
    })
  }

  async #up(channel: Channel): Promise<void> {
    const { queue, prepare } = this.#settings
    await prepare?.()
    await channel.prefetch(PREFETCH)
    this.#current = channel
    this.#acks = new StreamAcks(channel)
    const args = { 'x-stream-offset': this.#place.start() }
    await channel.consume(queue, (message) => this.#arrived(channel, message), { arguments: args })
    this.#started = true
    this.#reading = this.#current
    this.#changed()
  }

  /** Never throws: a throw here would close the connection. */
  #arrived(channel: Channel, message: ConsumeMessage | null): void {
    if (this.#current !== channel) return
    // The stream was deleted, or its replica. The channel starts again with its successor.
    if (!message) {
      this.#settings.deleted?.()
      return this.#startAgain(channel)
    }
    this.#acks!.take(message)
    if (!this.#read(message)) this.#startAgain(channel)
    // Not for each of a million records.
    else if (this.lag === 0) this.#changed()
  }

  /** False if it is not the next record. */
  #read(message: ConsumeMessage): boolean {
    const { content: body, properties } = message
    const [offset, writtenAt] = [offsetOf(message), writtenAtOf(message)]
    if (!this.#place.arrived({ offset, writtenAt }, Date.now())) return false
    const id = properties.messageId as string | undefined
    const record = { id, body, headers: properties.headers ?? {}, offset, writtenAt }
    const { queue, onRecord, logger } = this.#settings
    try {
      onRecord(record)
    } catch (error) {
      this.unreadable++
      logger.warn('a record of a stream could not be read: skipped', { queue, offset, error: errorText(error) })
    }
    return true
  }

  /** The channel closes, and opens again. */
  #startAgain(channel: Channel): void {
    this.#lost()
    void channel.close().catch(() => undefined)
  }

  #lost(): void {
    this.#acks?.forget()
    this.#current = this.#reading = undefined
    this.#end = undefined
    this.#changed()
    this.#settings.onLost?.()
  }

  async reached(over?: AbortSignal): Promise<void> {
    for (;;) {
      if (this.#closed || over?.aborted) throw closed()
      const channel = this.#reading
      if (!channel) await this.#change()
      else if (await this.#reachedOn(channel)) return
    }
  }

  async answered(): Promise<boolean> {
    const channel = this.#reading
    return channel !== undefined && (await this.#acks!.answered()) && this.#reading === channel
  }

  /** False if the channel was lost meanwhile, or the end could not be found. */
  async #reachedOn(channel: Channel): Promise<boolean> {
    const { connection, queue, logger } = this.#settings
    const isLive = () => !this.#closed && this.#reading === channel
    try {
      const end = await streamEnd(await connection.ready(), queue)
      if (!isLive()) return false
      if (!end) return true
      this.#end = end
      while (isLive()) {
        if (this.#place.hasReached(end)) return true
        const behind = this.#place.behind(end)
        if ((await this.#change(STALLED_MS)) || this.#place.behind(end) < behind) continue
        logger.warn('a stream sends nothing: it is read again', { queue, behind })
        this.#place.stalled()
        this.#startAgain(channel)
      }
    } catch (error) {
      logger.debug('the end of a stream could not be found', { queue, error: errorText(error) })
      // The broker refuses a second reader: the first one may hang in silence.
      if (isLive() && replyCode(error) !== undefined && !isLoss(error)) this.#startAgain(channel)
      await pause(PROBE_AGAIN_MS, undefined, { ref: false })
    }
    return false
  }

  /** Resolves at the next change, or after `ms`. Returns whether there was a change. */
  #change(ms?: number): Promise<boolean> {
    let done: () => void = () => undefined
    const changed = new Promise<void>((resolve) => this.#waiting.add((done = resolve)))
    const isChanged = ms === undefined ? changed.then(() => true) : endsWithin(changed, ms)
    return isChanged.finally(() => this.#waiting.delete(done))
  }

  #changed(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#unlisten()
    if (this.#reading) this.#acks?.ack()
    this.#acks?.forget()
    this.#changed()
    await this.#lane?.close()
  }
}

function closed(): DuequeError {
  return new DuequeError('CLOSED', 'the stream reader is closed', {})
}

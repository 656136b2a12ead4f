import { AsyncResource } from 'node:async_hooks'
import type { ConfirmChannel, Message } from 'amqplib'
import { backoff } from '../../base/backoff.js'
import { HEADER } from '../../message/envelope.js'
import { DuequeError, withOutcome } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { RecoveringChannel } from '../connection/channel.js'
import type { AmqpConnection } from '../connection/connection.js'
import { bufferOf, type Frame } from './frame.js'
import { isLoss, namedExchange, notEncodable, operationFailure, replyCode, tooLarge } from '../connection/failures.js'
import { Fifo } from '../../base/fifo.js'
import { InFlight } from './in-flight.js'
import type { Entry, Publication } from './publication.js'
import { SharedSignals } from '../../base/shared-signals.js'
import { PoisonSearch, blame } from './poison-search.js'

export interface PublisherSettings {
  /** Unconfirmed messages on the wire at most; the rest waits here. */
  maxInFlight: number
  /** After which an unconfirmed message is given up. */
  timeoutMs: number
  logger: Logger
}

const SWEEP_MS = 250
/** Messages that wait for topology at most. The others are not asked before: by then their way may be there. */
const MOST_PREPARING = 2000

/**
 * Publishes with confirms. A promise resolves when the broker has taken responsibility for the message, whatever happened
 * in between: a lost connection (sent again, prepared anew), a nack (sent again with back-off), a return (declared, sent
 * again). One for which the broker closes the channel or the connection ends there ({@link PoisonSearch}), and takes no other
 * with it. It rejects within `timeoutMs`, and says by `outcome` whether the message may be there all the same.
 */
export class Publisher {
  readonly #settings: PublisherSettings
  readonly #connection: AmqpConnection
  readonly #lane: RecoveringChannel<ConfirmChannel>
  readonly #queue = new Fifo<Entry>()
  readonly #again = new Fifo<Entry>()
  readonly #suspects = new PoisonSearch<Entry>()
  readonly #inFlight: InFlight<Entry>
  /** Neither in a queue nor in flight: waiting for the promise of `prepare`. */
  readonly #preparing = new Set<Entry>()
  /** Likewise: waiting for back-off. */
  readonly #aside = new Set<Entry>()
  /** Confirmed by a queue that is too young to be relied on. */
  readonly #unsafe = new Set<Entry>()
  readonly #signals = new SharedSignals<Entry>((entries, signal) => this.#aborted(entries, signal))
  /** For what is sent again and was first sent at once: the context of no other message. */
  readonly #context = new AsyncResource('dueque.publisher')
  #unsettled = 0
  #paused = false
  #failure: Error | undefined
  #sweeper: ReturnType<typeof setInterval> | undefined
  #closed = false
  #idle: (() => void) | undefined

  constructor(connection: AmqpConnection, settings: PublisherSettings) {
    this.#settings = settings
    this.#connection = connection
    this.#inFlight = new InFlight(settings.maxInFlight)
    this.#lane = new RecoveringChannel(connection, {
      open: (model) => model.createConfirmChannel(),
      up: (channel) => this.#up(channel),
      down: () => {
        this.#failure = undefined
        this.#paused = false
        this.#sendUnsafeAgain()
      },
    })
  }

  /** @throws DuequeError `PUBLISH_TIMEOUT`, `PERMISSION_DENIED`, `BODY_TOO_LARGE`, `MESSAGE_REFUSED`, `ABORTED`, `CLOSED`, and what `prepare` throws */
  publish(publication: Publication, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new DuequeError('CLOSED', 'dueque is closed', {}))
      if (signal?.aborted) return reject(aborted(signal))
      const entry: Entry = {
        publication,
        startedAt: performance.now(),
        resolve,
        reject,
        exchange: '',
        attempts: 0,
        returned: false,
        hopeless: undefined,
        lost: false,
        blamed: 0,
        settled: false,
        signal,
        context: undefined,
      }
      if (signal) this.#signals.add(entry, signal)
      this.#unsettled++
      this.#queue.push(entry)
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS)
      this.#pump(entry)
      if (!entry.settled && !this.#inFlight.has(entry)) entry.context = new AsyncResource('dueque.publish')
    })
  }

  /** Waits until everything accepted so far is settled, then closes the channel. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.waiting > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    clearInterval(this.#sweeper)
    await this.#lane.close()
  }

  /** Nobody waits any longer: everything that is not confirmed fails. */
  destroy(): void {
    this.#closed = true
    this.#sendUnsafeAgain()
    const closed = new DuequeError('CLOSED', 'dueque was closed before the broker confirmed', {})
    this.#giveUp(
      () => true,
      () => closed,
    )
  }

  /** Not settled yet, wherever they are. */
  get waiting(): number {
    return this.#unsettled
  }

  #up(channel: ConfirmChannel): void {
    this.#paused = false
    channel.on('drain', () => {
      this.#paused = false
      this.#pump()
    })
    channel.on('error', (error: Error) => (this.#failure = error))
    channel.on('return', (message) => this.#onReturn(message))
    // `channel` of the lane is set before this runs.
    this.#pump()
  }

  /** @param current the one that is published in this very call, and so in its own context */
  #pump(current?: Entry): void {
    const { channel } = this.#lane
    if (!channel) return
    while (!this.#paused && !this.#inFlight.isFull) {
      const entry = this.#next()
      if (!entry) break
      if (entry.settled) continue
      if (entry === current) this.#send(channel, entry)
      else (entry.context ?? this.#context).runInAsyncScope(this.#send, this, channel, entry)
    }
  }

  /** One that is to be sent alone waits for what is on the wire, and nothing follows it before its answer. */
  #next(): Entry | undefined {
    if (this.#suspects.isSearching(this.#inFlight.size)) return this.#suspects.next(this.#inFlight.size)
    return this.#again.shift() ?? (this.#preparing.size < MOST_PREPARING ? this.#queue.shift() : undefined)
  }

  #putBack(entry: Entry): void {
    if (!this.#suspects.take(entry)) this.#again.push(entry)
  }

  #send(channel: ConfirmChannel, entry: Entry): void {
    let frame: Frame | Promise<void>
    try {
      frame = entry.publication.prepare()
      if ('then' in frame) return this.#setAside(entry, frame)
      entry.exchange = frame.exchange
      entry.returned = false
      this.#paused = !this.#write(channel, frame, entry)
    } catch (error) {
      if (isLoss(error)) {
        // The channel is closing. Its successor goes on.
        this.#paused = true
        return this.#putBack(entry)
      }
      return this.#settle(entry, operationFailure(error, 'publish', 'write'))
    }
    this.#inFlight.add(entry)
  }

  /** @returns whether the socket takes more at once. @throws DuequeError `NOT_ENCODABLE`; nothing is sent then */
  #write(channel: ConfirmChannel, { exchange, routingKey, options }: Frame, entry: Entry): boolean {
    try {
      return channel.publish(
        exchange,
        routingKey,
        bufferOf(entry.publication.message.body),
        options,
        (error: Error | null) => this.#answered(entry, error),
      )
    } catch (error) {
      throw notEncodable(error) ?? error
    }
  }

  #setAside(entry: Entry, until: Promise<void>): void {
    this.#preparing.add(entry)
    until.then(
      () => this.#takeBack(entry),
      (error: unknown) => {
        this.#settle(entry, operationFailure(error, 'topology', 'configure'))
        this.#pump()
      },
    )
  }

  #takeBack(entry: Entry): void {
    this.#preparing.delete(entry)
    this.#aside.delete(entry)
    if (entry.settled) return
    this.#putBack(entry)
    this.#pump()
  }

  /** A confirm, a nack, or `channel closed`: amqplib's three answers. */
  #answered(entry: Entry, error: Error | null): void {
    this.#inFlight.delete(entry)
    this.#suspects.answered()
    if (entry.settled) return this.#pump()
    const isLost = error !== null && error.message !== 'message nacked'
    if (isLost) return this.#lost(entry, this.#failure ?? this.#connection.failure)
    // It was read, whatever becomes of it.
    entry.blamed = 0
    if (!error && !entry.returned) this.#confirmed(entry)
    else if (!error) this.#comeBack(entry)
    else this.#retry(entry)
    this.#pump()
  }

  /** See `Topology.safeAt`: a connection that is lost meanwhile makes it an attempt whose answer never came. */
  #confirmed(entry: Entry): void {
    const wait = (entry.publication.safeAt?.() ?? 0) - performance.now()
    if (wait <= 0) return this.#settle(entry)
    this.#unsafe.add(entry)
    setTimeout(() => {
      // It may have been sent again meanwhile, and confirmed by a queue that is younger still.
      if (this.#unsafe.delete(entry)) this.#confirmed(entry)
    }, wait).unref()
  }

  #sendUnsafeAgain(): void {
    for (const entry of this.#unsafe) {
      entry.lost = true
      this.#putBack(entry)
    }
    this.#unsafe.clear()
  }

  /** The channel closed. The broker's reason tells whose fault it was; everybody else is sent again. */
  #lost(entry: Entry, reason: Error | undefined): void {
    this.#paused = true
    const mine = namedExchange(reason) === entry.exchange
    const code = replyCode(reason)
    if (code === 403 && mine)
      return this.#settle(entry, operationFailure(reason, `exchange ${entry.exchange}`, 'write'))
    const maxBytes = Number(
      /larger than (?:configured )?max(?:imum)? size (\d+)/.exec(reason?.message ?? '')?.[1] ?? Infinity,
    )
    if (code === 406 && entry.publication.message.body.byteLength > maxBytes)
      return this.#settle(entry, tooLarge(entry.publication.message.body, maxBytes))
    if (code === 404 && mine) {
      entry.lost = true
      entry.hopeless = entry.publication.returned(entry.exchange)
      return this.#comeBack(entry)
    }
    // One that was too large is found already.
    const refused = maxBytes === Infinity ? blame(entry, reason) : undefined
    if (refused) return this.#settle(entry, refused)
    entry.lost = true
    entry.attempts++
    this.#putBack(entry)
  }

  #comeBack(entry: Entry): void {
    if (entry.hopeless) this.#settle(entry, entry.hopeless)
    else this.#retry(entry)
  }

  #retry(entry: Entry): void {
    const wait = entry.attempts === 0 ? 0 : backoff(entry.attempts, { baseMs: 20, maxMs: 2000 })
    entry.attempts++
    this.#aside.add(entry)
    setTimeout(() => this.#takeBack(entry), wait).unref()
  }

  /**
   * Returns come before their confirm and carry no tag. Whatever in flight may be meant counts as returned: to send one
   * twice is better than to take a confirm for it that was another's. Rare, so a search is good enough.
   */
  #onReturn({ fields, properties }: Message): void {
    const { messageId, headers } = properties as { messageId: unknown; headers: Record<string, unknown> | undefined }
    const candidates = [...this.#inFlight].filter(({ exchange }) => exchange === fields.exchange)
    const exact = candidates.filter(
      ({ publication: { message } }) => message.id === messageId && message.revision === headers?.[HEADER.revision],
    )
    for (const entry of exact.length > 0 ? exact : candidates) {
      entry.returned = true
      entry.hopeless = entry.publication.returned(entry.exchange)
    }
  }

  #settle(entry: Entry, error?: DuequeError): void {
    if (entry.settled) return
    entry.settled = true
    if (error)
      entry.reject(
        withOutcome(error, entry.lost || this.#inFlight.has(entry) || this.#unsafe.has(entry) ? 'unknown' : 'refused'),
      )
    else entry.resolve()
    if (entry.signal) this.#signals.delete(entry, entry.signal)
    this.#inFlight.delete(entry)
    this.#preparing.delete(entry)
    this.#aside.delete(entry)
    this.#unsafe.delete(entry)
    if (--this.#unsettled === 0) this.#rest()
  }

  #rest(): void {
    this.#unqueue(() => true)
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
    this.#idle?.()
  }

  #unqueue(test: (entry: Entry) => boolean): Entry[] {
    return [this.#queue, this.#again, this.#suspects].flatMap((queued) => queued.remove(test))
  }

  #sweep(): void {
    const now = performance.now()
    const released = this.#suspects.release(this.#inFlight)
    for (const entry of released ?? []) this.#again.push(entry)
    if (released) this.#pump()
    const expired = ({ startedAt, publication: { timeoutMs = this.#settings.timeoutMs } }: Entry) =>
      startedAt <= now - timeoutMs
    const isLate = this.#giveUp(expired, ({ startedAt }) => {
      const waitedMs = Math.round(performance.now() - startedAt)
      return new DuequeError('PUBLISH_TIMEOUT', `the broker did not confirm within ${waitedMs} ms`, { waitedMs })
    })
    if (isLate) this.#pump()
  }

  /** @returns whether there was any */
  #giveUp(test: (entry: Entry) => boolean, error: (entry: Entry) => DuequeError): boolean {
    // Those that were aborted leave the queues here, all at once.
    const entries = this.#unqueue((entry) => entry.settled || test(entry)).filter((entry) => !entry.settled)
    for (const entry of [...this.#inFlight, ...this.#preparing, ...this.#aside]) if (test(entry)) entries.push(entry)
    for (const entry of entries) this.#settle(entry, error(entry))
    return entries.length > 0
  }

  #aborted(entries: ReadonlySet<Entry>, signal: AbortSignal): void {
    const error = aborted(signal)
    for (const entry of entries) this.#settle(entry, error)
    this.#pump()
  }
}

function aborted({ reason }: AbortSignal): DuequeError<'ABORTED'> {
  return new DuequeError('ABORTED', 'aborted by the signal', { reason: reason as unknown }, { cause: reason })
}

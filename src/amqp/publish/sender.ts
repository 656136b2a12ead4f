import type { ConfirmChannel, Message } from 'amqplib'
import { backoff } from '../../base/backoff.js'
import { DuequeError } from '../../base/errors.js'
import { RecoveringChannel } from '../connection/channel.js'
import type { AmqpConnection } from '../connection/connection.js'
import { isLoss, notEncodable, operationFailure } from '../connection/failures.js'
import type { Topology } from '../topology/topology.js'
import { channelLoss } from './channel-loss.js'
import { findReturned } from './find-returned.js'
import { bufferOf, type Frame } from './frame-builder.js'
import { STATE, type Publication } from './publication.js'
import type { Unsettled } from './unsettled.js'

/** Messages that wait for their declarations at most. The others are not asked before: by then their parts may be declared. */
const MAX_PREPARING = 2000
const LAST_ANSWERS_MS = 5000
const NACK_BACKOFF = { baseMs: 20, maxMs: 2000 }

export interface SenderHooks {
  /** Hears of returned messages. */
  topology: Pick<Topology, 'epoch' | 'returned'>
  /** The publication is over: confirmed, or failed with `error`. */
  settle: (publication: Publication, error?: DuequeError) => void
}

/**
 * Sends publications on a confirm channel, each as often as it takes.
 *
 * | answer to an attempt                        | to the publication                                      |
 * |---------------------------------------------|---------------------------------------------------------|
 * | confirm                                     | settled; held back while one of its queues is young     |
 * | nack                                        | sent again with back-off                                |
 * | return, or a missing exchange               | declared and sent again; fails if nothing is declared   |
 * | lost connection or channel                  | sent again                                              |
 * | none for a minute, without a time limit     | sent again, on another channel                          |
 * | channel or connection closed over a message | sent again; a poison message is found, and fails        |
 * | no permission, body too large               | fails                                                   |
 */
export class Sender {
  readonly #connection: AmqpConnection
  readonly #unsettled: Unsettled
  readonly #hooks: SenderHooks
  readonly #channel: RecoveringChannel<ConfirmChannel>
  /** The socket's buffer is full, or the channel is closing. */
  #isPaused = false
  #isPumping = false
  /** Until then, answers are awaited before the channel is replaced. By `performance.now()`. */
  #endsAt: number | undefined
  /** Why the channel was closed. */
  #failure: Error | undefined

  constructor(connection: AmqpConnection, unsettled: Unsettled, hooks: SenderHooks) {
    this.#connection = connection
    this.#unsettled = unsettled
    this.#hooks = hooks
    this.#channel = new RecoveringChannel(connection, {
      open: (model) => model.createConfirmChannel(),
      up: (channel) => this.#up(channel),
      down: () => {
        this.#failure = undefined
        this.#endsAt = undefined
        this.#isPaused = false
        this.sendHeldAgain()
      },
    })
  }

  /** Sends what the window has room for. What a plan publishes meanwhile is sent in its turn. */
  pump(): void {
    const { channel } = this.#channel
    if (!channel || this.#endsAt !== undefined || this.#isPumping) return
    this.#isPumping = true
    try {
      this.#sendAll(channel)
    } finally {
      this.#isPumping = false
    }
  }

  /** Each in the context of its publish. */
  #sendAll(channel: ConfirmChannel): void {
    const { inFlight, queue, deferred } = this.#unsettled
    while (!this.#isPaused && !inFlight.isFull) {
      const publication = queue.next(deferred.preparing < MAX_PREPARING)
      if (!publication) break
      if (publication.state === STATE.settled) continue
      publication.context.runInAsyncScope(this.#send, this, channel, publication)
    }
  }

  /** Without their channel, or their connection, the confirms of young queues prove nothing. */
  sendHeldAgain(): void {
    for (const publication of this.#unsettled.deferred.takeHeld()) {
      publication.isUnanswered = true
      this.#unsettled.queue.pushRetry(publication)
    }
  }

  /**
   * Opens another channel, and sends there again what is in flight on this one. Before that, it sends nothing for a moment, so that
   * as little as possible is sent twice.
   *
   * @param silent how many publications are not answered any more
   * @param now by `performance.now()`
   * @returns whether the channel is closed now
   */
  endChannel(silent: number, now: number): boolean {
    this.#endsAt ??= now + LAST_ANSWERS_MS
    const isAnswered = this.#unsettled.inFlight.size <= silent
    return (isAnswered || now >= this.#endsAt) && this.#channel.renew()
  }

  /** After all, every publication was answered. */
  keepChannel(): void {
    if (this.#endsAt === undefined) return
    this.#endsAt = undefined
    this.pump()
  }

  close(): Promise<void> {
    return this.#channel.close()
  }

  #up(channel: ConfirmChannel): void {
    this.#isPaused = false
    channel.on('drain', () => {
      this.#isPaused = false
      this.pump()
    })
    channel.on('error', (error: Error) => (this.#failure = error))
    channel.on('return', (message) => this.#returned(message))
    this.pump()
  }

  #send(channel: ConfirmChannel, publication: Publication): void {
    try {
      publication.epoch = this.#hooks.topology.epoch
      const frame = publication.plan.prepare()
      if ('then' in frame) return this.#prepare(publication, frame)
      publication.exchange = frame.exchange
      this.#isPaused = !this.#write(channel, frame, publication)
    } catch (error) {
      if (isLoss(error)) {
        // The channel is closing. Its successor goes on.
        this.#isPaused = true
        return this.#unsettled.queue.pushRetry(publication)
      }
      return this.#hooks.settle(publication, operationFailure(error, 'publish', 'write'))
    }
    publication.state = STATE.inFlight
    publication.sentAt = performance.now()
    this.#unsettled.inFlight.add(publication)
  }

  /** @returns whether the socket takes more at once. @throws DuequeError `NOT_ENCODABLE`; nothing is sent then */
  #write(channel: ConfirmChannel, { exchange, routingKey, options }: Frame, publication: Publication): boolean {
    const body = bufferOf(publication.message.body)
    try {
      return channel.publish(exchange, routingKey, body, options, (error: Error | null) =>
        this.#answered(publication, error),
      )
    } catch (error) {
      throw notEncodable(error) ?? error
    }
  }

  #prepare(publication: Publication, prepared: Promise<void>): void {
    this.#unsettled.deferred.add(publication, STATE.preparing)
    prepared.then(
      () => this.#queueAgain(publication),
      (error: unknown) => {
        this.#hooks.settle(publication, operationFailure(error, 'topology', 'configure'))
        this.pump()
      },
    )
  }

  #queueAgain(publication: Publication): void {
    if (publication.state === STATE.settled) return
    this.#unsettled.deferred.delete(publication)
    this.#unsettled.queue.pushRetry(publication)
    this.pump()
  }

  /** amqplib's three answers: a confirm, a nack, or `channel closed`. */
  #answered(publication: Publication, error: Error | null): void {
    const { state } = publication
    this.#unsettled.queue.answered()
    if (state === STATE.settled) return this.pump()
    this.#unsettled.inFlight.delete(publication)
    publication.state = STATE.answered
    if (error !== null && error.message !== 'message nacked') return this.#lost(publication)
    // RabbitMQ has read it, whatever becomes of it.
    publication.refusals = 0
    if (error) this.#backOff(publication)
    else if (state.kind === 'returned') this.#unroutable(publication, state.error)
    else this.#confirmed(publication)
    this.pump()
  }

  /** See `Topology.safeAt`. */
  #confirmed(publication: Publication): void {
    const waitMs = publication.plan.safeAt() - performance.now()
    if (waitMs <= 0) return this.#hooks.settle(publication)
    this.#unsettled.deferred.add(publication, STATE.held)
    setTimeout(() => {
      if (publication.state !== STATE.held) return
      this.#unsettled.deferred.delete(publication)
      // Node's timer may fire early, or the publication was sent again meanwhile, and confirmed by a younger queue.
      this.#confirmed(publication)
    }, waitMs).unref()
  }

  #lost(publication: Publication): void {
    this.#isPaused = true
    const loss = channelLoss(publication, this.#failure ?? this.#connection.failure)
    if (loss instanceof DuequeError) return this.#hooks.settle(publication, loss)
    publication.isUnanswered = true
    if (loss === 'exchange-missing') return this.#unroutable(publication, this.#forget(publication))
    publication.attempts++
    this.#unsettled.queue.pushRetry(publication)
  }

  #returned(message: Message): void {
    for (const publication of findReturned(message, this.#unsettled.inFlight))
      publication.state = { kind: 'returned', error: this.#forget(publication) }
  }

  /** Its exchange had no queue for it, or does not exist. @returns why it is not sent again, if so */
  #forget({ exchange, epoch }: Publication): DuequeError | undefined {
    return this.#hooks.topology.returned(exchange, epoch)
  }

  #unroutable(publication: Publication, error: DuequeError | undefined): void {
    if (error) this.#hooks.settle(publication, error)
    else this.#backOff(publication)
  }

  #backOff(publication: Publication): void {
    const { attempts } = publication
    publication.attempts++
    this.#unsettled.deferred.add(publication, STATE.backingOff)
    setTimeout(() => this.#queueAgain(publication), attempts === 0 ? 0 : backoff(attempts, NACK_BACKOFF)).unref()
  }
}

import type { Channel, ConsumeMessage } from 'amqplib'
import type { Arrival, Subscription } from '../../broker.js'
import { errorText, type DuequeError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { Acks, SAFE_FRAMES, type Settling } from './acks.js'
import { RecoveringChannel } from '../connection/channel.js'
import type { AmqpConnection } from '../connection/connection.js'
import { closeInTime } from '../connection/close-in-time.js'
import { isLoss, operationFailure, replyCode } from '../connection/failures.js'
import { consumePlainly } from '../connection/uninstrumented.js'

export interface SubscribeSettings {
  connection: AmqpConnection
  queue: string
  prefetch: number
  /** Declares and binds what is needed, before each start. */
  prepare: () => Promise<void>
  /** The broker ended the consumer: its queue is gone, or has moved. */
  cancelled: () => void
  /** It could not be started again. It will be tried again all the same. */
  failed: (error: DuequeError) => void
  /** Called behind each start. */
  started?: (() => void) | undefined
  logger: Logger
  /** Of the AMQP consumer. @default none */
  arguments?: Readonly<Record<string, string>> | undefined
}

export interface AmqpSubscription extends Subscription {
  setPrefetch(prefetch: number): void
  /** Whether the broker delivers to it. */
  readonly live: boolean
}

/**
 * Consumes a queue, and again after whatever ends it: a lost connection, a channel closed by the broker, a queue that was
 * deleted and declared anew.
 *
 * @throws DuequeError when the first start fails for a reason that stays
 */
export async function subscribe(
  settings: SubscribeSettings,
  listener: (arrival: Arrival) => void,
): Promise<AmqpSubscription> {
  const subscriber = new Subscriber(settings, listener)
  await subscriber.start()
  return subscriber
}

class Subscriber implements AmqpSubscription {
  readonly #settings: SubscribeSettings
  readonly #listener: (arrival: Arrival) => void
  #consumerTag: string | undefined
  #started = false
  #cancelled = false
  #isPaused = false
  #lane: RecoveringChannel<Channel> | undefined
  #acks: Acks<ConsumeMessage> | undefined
  #framesBefore = 0
  /** Each lost one counts as a delivery of all that it had not settled. */
  #channels = 0
  /** Each has given back whatever had not started, which RabbitMQ before 4.3 counts likewise. */
  #pauses = 0
  #prefetch: number
  /** Of the channel that is there. */
  #onMessage: ((message: ConsumeMessage | null) => void) | undefined
  /** The last change of the AMQP consumer. One after another: each begins with what the one before has left. */
  #changing: Promise<void> = Promise.resolve()

  constructor(settings: SubscribeSettings, listener: (arrival: Arrival) => void) {
    this.#settings = settings
    this.#prefetch = settings.prefetch
    this.#listener = listener
  }

  get live(): boolean {
    return this.#consumerTag !== undefined || this.#isPaused
  }

  start(): Promise<void> {
    const { connection, queue, cancelled, failed, logger } = this.#settings
    return new Promise((resolve, reject) => {
      this.#lane = new RecoveringChannel(connection, {
        open: (model) => model.createChannel(),
        up: (channel) => this.#up(channel).then(resolve),
        down: (error) => {
          this.#consumerTag = undefined
          this.#onMessage = undefined
          // The queue was deleted while nobody consumed it: paused, for instance.
          if (replyCode(error) === 404) cancelled()
          if (error) logger.warn('consumer channel lost', { queue, error: errorText(error) })
        },
        failed: (error) => {
          logger.warn('consuming failed', { queue, error: errorText(error) })
          if (isLoss(error)) return true
          const failure = operationFailure(error, `queue ${queue}`, 'read')
          if (this.#started) failed(failure)
          else reject(failure)
          return this.#started
        },
      })
    })
  }

  async #up(channel: Channel): Promise<void> {
    const { queue, prepare, cancelled, logger } = this.#settings
    await prepare()
    await channel.prefetch(this.#prefetch)
    if (this.#cancelled) return
    const acks = (this.#acks = new Acks(settling(channel), this.#prefetch))
    const isLive = () => this.#lane?.channel === channel
    const losses = this.#channels++
    const onMessage = (message: ConsumeMessage | null) => {
      if (message) return this.#listener(new AmqpArrival(message, { acks, losses: losses + this.#pauses, isLive }))
      logger.warn('the broker cancelled the consumer: its queue was deleted or moved, or a message was held too long', {
        queue,
      })
      cancelled()
      this.#consumerTag = undefined
      // Its channel goes too, so that there is one way to start again.
      channel.close().catch(() => undefined)
    }
    this.#onMessage = onMessage
    await this.#inTurn(() => this.#consume(channel))
    this.#started = true
    this.#settings.started?.()
  }

  /** Starts the AMQP consumer, unless it is there, paused or over. */
  async #consume(channel: Channel): Promise<void> {
    const onMessage = this.#onMessage
    if (!onMessage || this.#consumerTag !== undefined || this.#isPaused || this.#cancelled) return
    const { queue, arguments: args } = this.#settings
    const { consumerTag } = await channel.consume(queue, onMessage, { arguments: args })
    if (this.#cancelled) await closeInTime(channel.cancel(consumerTag))
    else if (this.#lane?.channel === channel) this.#consumerTag = consumerTag
  }

  setPrefetch(prefetch: number): void {
    this.#prefetch = prefetch
    this.#acks?.setPrefetch(prefetch)
    this.#inTurn(() => this.#replace()).catch(() => undefined)
  }

  pause(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isPaused = true
      this.#pauses++
      const tag = this.#consumerTag
      this.#consumerTag = undefined
      if (tag !== undefined) await closeInTime(this.#lane?.channel?.cancel(tag))
    }).catch(() => undefined)
  }

  resume(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isPaused = false
      const channel = this.#lane?.channel
      if (!channel) return
      // It may have changed meanwhile: running handlers go on during a pause.
      await channel.prefetch(this.#prefetch)
      await this.#consume(channel)
    }).catch(() => undefined)
  }

  /** After an error the channel is lost, and starts anew with what holds then. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const changed = this.#changing.then(work)
    this.#changing = changed.catch(() => undefined)
    return changed
  }

  /**
   * RabbitMQ applies a prefetch to consumers that start after it. The new one comes before the old one goes, so that no other
   * process becomes the active one of a queue with a single active consumer.
   */
  async #replace(): Promise<void> {
    const [channel, old, onMessage] = [this.#lane?.channel, this.#consumerTag, this.#onMessage]
    if (!channel || old === undefined || !onMessage || this.#cancelled) return
    await channel.prefetch(this.#prefetch)
    const { consumerTag } = await channel.consume(this.#settings.queue, onMessage, {
      arguments: this.#settings.arguments,
    })
    if (this.#lane?.channel !== channel || this.#consumerTag !== old) return
    this.#consumerTag = consumerTag
    await channel.cancel(old)
  }

  async cancel(): Promise<void> {
    this.#cancelled = true
    await closeInTime(this.#changing)
    this.#acks?.flush()
    this.#framesBefore = this.#acks?.frames ?? 0
    const tag = this.#consumerTag
    this.#consumerTag = undefined
    // Without a channel there is nothing to cancel.
    if (tag !== undefined) await closeInTime(this.#lane?.channel?.cancel(tag))
  }

  async close(): Promise<void> {
    if (!this.#cancelled) await this.cancel()
    const [channel, acks] = [this.#lane?.channel, this.#acks]
    acks?.flush()
    if (channel && acks && acks.frames - this.#framesBefore > SAFE_FRAMES) {
      await closeInTime(settle(channel, this.#settings.queue))
    }
    await this.#lane?.close()
  }
}

/**
 * Resolves when the queue has seen everything that was sent on the channel before: a consumer comes and goes through the
 * queue's own log, behind it. What it is given meanwhile goes back. See docs/decisions/015-close-behind-the-acks.md.
 */
async function settle(channel: Channel, queue: string): Promise<void> {
  let given: ConsumeMessage | null = null
  await channel.prefetch(1)
  // Without a span of an instrumentation, for a message that only comes and goes.
  const { consumerTag } = await consumePlainly(channel, queue, (message) => (given = message))
  await channel.cancel(consumerTag)
  if (given) channel.nack(given, false, true)
}

/** What the arrivals of one channel share. */
interface Origin {
  readonly acks: Acks<ConsumeMessage>
  /** Channels and pauses before it. */
  readonly losses: number
  readonly isLive: () => boolean
}

/** A class, so that a message that is held has no closures of its own. */
class AmqpArrival implements Arrival {
  readonly body: Uint8Array
  readonly properties: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, unknown>>
  readonly exchange: string
  readonly routingKey: string
  readonly redelivered: boolean
  readonly abandoned: number
  /** Not its tag alone: see {@link Settling}. */
  readonly #message: ConsumeMessage
  readonly #origin: Origin

  constructor(message: ConsumeMessage, origin: Origin) {
    const { content, fields, properties } = message
    this.body = content
    const headers: Record<string, unknown> = properties.headers ?? {}
    // An entry for each queue that it waited in: much to keep of a message that is held, and of use to nobody here.
    if (headers['x-death'] !== undefined) headers['x-death'] = undefined
    this.headers = headers
    // Not twice: whoever spreads the properties adds headers of its own.
    properties.headers = undefined
    this.properties = properties as unknown as Arrival['properties']
    this.exchange = fields.exchange
    this.routingKey = fields.routingKey
    this.redelivered = fields.redelivered
    this.#message = message
    const deliveries = headers['x-delivery-count']
    this.abandoned = typeof deliveries === 'number' ? Math.max(deliveries - origin.losses, 0) : 0
    this.#origin = origin
  }

  get live(): boolean {
    return this.#origin.isLive()
  }

  ack(): void {
    this.#origin.acks.ack(this.#message.fields.deliveryTag, this.#message)
  }

  requeue(): void {
    this.#origin.acks.requeue(this.#message.fields.deliveryTag, this.#message)
  }
}

function settling(channel: Channel): Settling<ConsumeMessage> {
  return {
    ack: (message, upTo) => quietly(() => channel.ack(message, upTo)),
    requeue: (message) => quietly(() => channel.nack(message, false, true)),
  }
}

/** On a channel that is gone amqplib throws; the broker has taken the message back already. */
function quietly(settle: () => void): void {
  try {
    settle()
  } catch (error) {
    if ((error as Error).name !== 'IllegalOperationError') throw error
  }
}

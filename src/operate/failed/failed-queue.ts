import { setTimeout as pause } from 'node:timers/promises'
import type { Channel, Message } from 'amqplib'
import type { Arrived } from '../../message/envelope.js'
import { DuequeError, isDuequeError } from '../../base/errors.js'
import { SAFE_FRAMES } from '../../amqp/receive/acks.js'
import type { AmqpConnection } from '../../amqp/connection/connection.js'
import type { ConnectionSettings } from '../../amqp/connection/connect-to.js'
import { isLoss, operationFailure } from '../../amqp/connection/failures.js'
import { closeInTime } from '../../amqp/connection/close-in-time.js'
import { openConnection } from '../../amqp/connection/operator-connection.js'
import { openPlainChannel } from '../../amqp/connection/uninstrumented.js'

/** A message that was taken out of a queue of failed messages. It stays unacked until it is settled. */
export interface TakenMessage extends Arrived {
  readonly deliveryTag: number
}

/** Messages of the first batch. The later ones follow from the size of the messages. */
const FIRST_BATCH = 100
const MAX_BATCH = 5000
/** Bytes of bodies in memory at a time, roughly. */
const BATCH_BYTES = 16 * 1024 * 1024
/** Bytes of a message beside its body. */
const MESSAGE_BYTES = 1024
/** A batch ends after this time without another message. */
const IDLE_MS = 200
/** RabbitMQ 3.10 keeps the order of up to 32 messages that are given back in one go, and loses it of more. */
const SLICE = 32
/** A million messages need about a quarter of it. */
const GIVE_BACK_MS = 30_000
/** Looks whether the returned messages are in the queue again, a millisecond apart. */
const MAX_LOOKS = 200

/**
 * A queue of failed messages (parked, dead) while an operator works on it: look at messages, remove some for good, give the
 * rest back.
 *
 * Messages that were taken and not removed go back when this is closed, in their order, behind those that were given back
 * before and in front of those that were never taken: to take all of them changes nothing. If the process is killed they go
 * back as well, in any order. These queues have no delivery limit that could be reached, so that looking does no harm. A lost
 * connection ends the work: it would take everything a second time. The broker takes messages back that are held longer than
 * its `consumer_timeout` (30 minutes by default), which looks like a lost connection.
 *
 * Messages come in batches, each by a consumer with a limit. If it gets none, the queue may still have some; basic.get tells.
 */
export class FailedQueue {
  readonly name: string
  /** Ready messages when it was opened, without those that other processes hold. */
  readonly count: number
  readonly #channel: Channel
  /** Closes the connection, if it is its own. */
  readonly #release: () => Promise<void>
  /** The batch of each message that was taken and not removed, by its tag, in the order in which they came. */
  readonly #held = new Map<number, number>()
  #batches = 0
  /** Removals that the broker has perhaps not seen. */
  #frames = 0

  /** @throws DuequeError as `connect` does, and `DESTINATION_MISSING` if there is no such queue */
  static async open(settings: ConnectionSettings, name: string): Promise<FailedQueue> {
    const connection = await openConnection(settings)
    try {
      return await FailedQueue.openOn(connection, name, () => connection.close())
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  /**
   * The same on a connection that stays open.
   *
   * @param release called when it is closed
   * @throws DuequeError `DESTINATION_MISSING`, `PERMISSION_DENIED`, `UNREACHABLE`
   */
  static async openOn(
    connection: AmqpConnection,
    name: string,
    release: () => Promise<void> = () => Promise.resolve(),
  ): Promise<FailedQueue> {
    try {
      const channel = await openPlainChannel(await connection.ready())
      // The operation that finds it closed reports it.
      channel.on('error', () => undefined)
      const { messageCount } = await channel.checkQueue(name)
      return new FailedQueue(name, messageCount, channel, release)
    } catch (error) {
      throw failed(error, name)
    }
  }

  private constructor(name: string, count: number, channel: Channel, release: () => Promise<void>) {
    this.name = name
    this.count = count
    this.#channel = channel
    this.#release = release
  }

  /**
   * Takes messages from the head of the queue, each once, and no more than were there when it was opened: messages that
   * come back meanwhile would make an endless round.
   *
   * @throws DuequeError `UNREACHABLE` if the connection is lost, `PERMISSION_DENIED`
   */
  async *messages(limit = Infinity): AsyncGenerator<TakenMessage, void, undefined> {
    const most = Math.min(limit, this.count)
    let size = FIRST_BATCH
    for (let taken = 0; taken < most;) {
      const batch = await this.#run(() => this.#take(Math.min(size, most - taken)))
      if (batch.length === 0) return
      taken += batch.length
      yield* batch
      const bytes = batch.reduce((sum, { body }) => sum + body.byteLength + MESSAGE_BYTES, 0)
      size = Math.min(MAX_BATCH, Math.ceil(BATCH_BYTES / (bytes / batch.length)))
    }
  }

  /**
   * Removes a message that was taken.
   *
   * @throws DuequeError `UNREACHABLE` if the broker has taken it back
   */
  remove({ deliveryTag }: Pick<TakenMessage, 'deliveryTag'>): void {
    try {
      this.#channel.ack(tagged(deliveryTag))
      this.#held.delete(deliveryTag)
      this.#frames++
    } catch (error) {
      throw failed(error, this.name)
    }
  }

  /** Removes all messages that no process holds. Returns their number. */
  async purge(): Promise<number> {
    return (await this.#run(() => this.#channel.purgeQueue(this.name))).messageCount
  }

  /**
   * Resolves when the broker has seen every removal.
   *
   * @throws DuequeError `UNREACHABLE` if the connection was lost before
   */
  async settle(): Promise<void> {
    await this.#run(async () => {
      // The broker answers this consumer after the frames before it; its messages go back with the rest.
      if (this.#frames > SAFE_FRAMES)
        for (const { fields } of await this.#consume(1, 0)) this.#held.set(fields.deliveryTag, 0)
      else await this.#ready()
      this.#frames = 0
    })
  }

  /** Gives back the messages that were not removed. Idempotent. */
  async close(): Promise<void> {
    await closeInTime(
      this.#giveBack().then(() => this.#channel.close()),
      GIVE_BACK_MS,
    )
    await this.#release()
  }

  /** No messages, if the queue has none that could be taken. */
  async #take(count: number): Promise<TakenMessage[]> {
    const messages = await this.#consume(count)
    if (messages.length === 0) {
      const message = await this.#channel.get(this.name)
      if (message !== false) messages.push(message)
    }
    this.#batches++
    for (const { fields } of messages) this.#held.set(fields.deliveryTag, this.#batches)
    return messages.map(storedOf)
  }

  /** The consumer is cancelled before a message is settled, so that no further one comes for it. */
  async #consume(count: number, idleMs = IDLE_MS): Promise<Message[]> {
    const messages: Message[] = []
    await this.#channel.prefetch(count)
    let end!: () => void
    const ended = new Promise<void>((resolve) => (end = resolve))
    const { consumerTag } = await this.#channel.consume(this.name, (message) => {
      if (message) messages.push(message)
      if (!message || messages.length === count) end()
    })
    for (let before = -1; before < messages.length && messages.length < count;) {
      before = messages.length
      await Promise.race([ended, pause(idleMs, undefined, { ref: false })])
    }
    await this.#channel.cancel(consumerTag)
    return messages
  }

  async #giveBack(): Promise<void> {
    if (this.#frames > 0) await this.settle()
    if (this.#held.size === 0) return
    let ready = await this.#ready()
    let frames = 0
    for (const { last, count } of slicesOf(this.#held)) {
      this.#channel.nack(tagged(last), true, true)
      ready += count
      if (++frames % SAFE_FRAMES === 0) await this.#hasBack(ready)
    }
    await this.#hasBack(ready)
    this.#held.clear()
  }

  /** Gives up when other processes take the messages that come back. */
  async #hasBack(count: number): Promise<void> {
    for (let looks = 0; looks < MAX_LOOKS && (await this.#ready()) < count; looks++) await pause(1)
  }

  async #ready(): Promise<number> {
    return (await this.#channel.checkQueue(this.name)).messageCount
  }

  async #run<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation()
    } catch (error) {
      throw failed(error, this.name)
    }
  }
}

/** The last tag of each run of messages that goes back in one frame. Each is of one batch. */
function* slicesOf(held: ReadonlyMap<number, number>): Generator<{ last: number; count: number }> {
  let [last, count, batch] = [0, 0, 0]
  for (const [tag, its] of held) {
    if (count === SLICE || (count > 0 && its !== batch)) {
      yield { last, count }
      count = 0
    }
    ;[last, batch] = [tag, its]
    count++
  }
  if (count > 0) yield { last, count }
}

/** amqplib reads only the tag of a message. */
function tagged(deliveryTag: number): Message {
  return { fields: { deliveryTag } } as Message
}

function storedOf({ content, properties, fields }: Message): TakenMessage {
  const { headers, ...rest } = properties
  const { exchange, routingKey, redelivered, deliveryTag } = fields
  return { body: content, properties: rest, headers: headers ?? {}, exchange, routingKey, redelivered, deliveryTag }
}

function failed(error: unknown, queue: string): DuequeError {
  if (isDuequeError(error)) return error
  if (isLoss(error)) {
    const message = `the connection was lost; the messages that were taken from ${queue} are back in it`
    return new DuequeError('UNREACHABLE', message, { hosts: [] }, { cause: error })
  }
  return operationFailure(error, `queue ${queue}`, 'read')
}

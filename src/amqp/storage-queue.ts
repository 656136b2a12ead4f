import type { Channel } from 'amqplib'
import type { Arrived } from '../envelope.js'
import { DuequeError, isDuequeError } from '../errors.js'
import type { AmqpConnection, ConnectionSettings } from './connection.js'
import { isLoss, operationFailure } from './failures.js'
import { goodbye } from './goodbye.js'
import { openConnection } from './operator-connection.js'

/** A message that was taken out of a storage queue, and stays unacked until it is settled. */
export interface Stored extends Arrived {
  readonly deliveryTag: number
}

/**
 * A queue that nobody consumes by itself (parked, dead), as an operator works on it: look at messages, take some out for
 * good, give the rest back.
 *
 * What was taken and not removed goes back when this is closed, and just as well when the process is killed; the broker
 * may put it at the end. These queues have no delivery limit that could be reached, so looking wears nothing out. One lost connection ends it,
 * rather than to take everything a second time. The broker takes back what is held longer than its `consumer_timeout`
 * (30 minutes by default), which looks like a lost connection.
 *
 * Messages are asked for one by one (basic.get), because only that tells where the queue ends.
 */
export class StorageQueue {
  readonly name: string
  /** What was there for the taking when it was opened. What others hold is not in it. */
  readonly count: number
  readonly #connection: AmqpConnection
  readonly #channel: Channel

  /** @throws DuequeError as `connect` does, and `DESTINATION_MISSING` if there is no such queue */
  static async open(settings: ConnectionSettings, name: string): Promise<StorageQueue> {
    const connection = await openConnection(settings)
    try {
      const channel = await (await connection.ready()).createChannel()
      // Reported by the operation that finds it closed.
      channel.on('error', () => undefined)
      const { messageCount } = await channel.checkQueue(name)
      return new StorageQueue(name, messageCount, connection, channel)
    } catch (error) {
      await connection.close()
      throw failed(error, name)
    }
  }

  private constructor(name: string, count: number, connection: AmqpConnection, channel: Channel) {
    this.name = name
    this.count = count
    this.#connection = connection
    this.#channel = channel
  }

  /**
   * Takes messages from the head of the queue, each once, and no more than were there when it was opened: what comes
   * back meanwhile would make an endless round.
   *
   * @throws DuequeError `UNREACHABLE` if the connection is lost, `PERMISSION_DENIED`
   */
  async *messages(limit = Infinity): AsyncGenerator<Stored, void, undefined> {
    for (let taken = 0; taken < Math.min(limit, this.count); taken++) {
      const message = await this.#run(() => this.#channel.get(this.name))
      if (message === false) return
      const { headers, ...properties } = message.properties
      const { exchange, routingKey, redelivered, deliveryTag } = message.fields
      yield {
        body: message.content,
        properties,
        headers: headers ?? {},
        exchange,
        routingKey,
        redelivered,
        deliveryTag,
      }
    }
  }

  /**
   * Removes a message that was taken.
   *
   * @throws DuequeError `UNREACHABLE` if the broker has taken it back
   */
  remove({ deliveryTag }: Stored): void {
    try {
      this.#channel.ack({ fields: { deliveryTag } } as Parameters<Channel['ack']>[0])
    } catch (error) {
      throw failed(error, this.name)
    }
  }

  /** Removes everything that nobody holds. Returns how many they were. */
  async purge(): Promise<number> {
    return (await this.#run(() => this.#channel.purgeQueue(this.name))).messageCount
  }

  /** Gives back what was taken and not removed. Idempotent. */
  async close(): Promise<void> {
    try {
      // In one go, so that they keep their order: a channel that ends gives them back in any.
      this.#channel.nackAll(true)
      // The answer tells that the broker has seen every removal before it.
      await goodbye(this.#channel.close())
    } catch {
      // amqplib throws at once when it is closed already.
    }
    await this.#connection.close()
  }

  async #run<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation()
    } catch (error) {
      throw failed(error, this.name)
    }
  }
}

function failed(error: unknown, queue: string): DuequeError {
  if (isDuequeError(error)) return error
  if (isLoss(error)) {
    const message = `the connection was lost; what was taken from ${queue} is back in it`
    return new DuequeError('UNREACHABLE', message, { hosts: [] }, { cause: error })
  }
  return operationFailure(error, `queue ${queue}`, 'read')
}

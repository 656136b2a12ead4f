import type { ConfirmChannel, Options } from 'amqplib'
import { connectRaw, declareQuorum } from '../../broker.js'
import { openConfirmChannel, sendAll } from '../../raw.js'
import type { Consuming, Entrant, Item } from '../contestant.js'
import type { Payload } from '../payload.js'
import type { RabbitPlace } from '../servers/place.js'
import { queuedMessages } from '../servers/rabbitmq.js'

/** The queue to which all contestants deliver. */
export const WORK_QUEUE = 'peers.work'
const PREFETCH = 1000
/** Unconfirmed messages of a bulk, as many as dueque's. */
const IN_FLIGHT = 2000

/** Arguments of a queue whose messages move on when their TTL ends: as safe as RabbitMQ makes that. */
export const AT_LEAST_ONCE = {
  'x-queue-type': 'quorum',
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
}

export interface Publish {
  readonly exchange: string
  readonly key: string
  readonly body: Buffer
  readonly options?: Options.Publish
}

/** What differs between contestants on plain amqplib. */
export interface AmqpWay {
  readonly settings: Entrant['settings']
  /** Exchanges and queues, beside the work queue. */
  declare?(channel: ConfirmChannel): Promise<void>
  publishOf(item: Item): Publish
  waiting?: () => Promise<number>
  bytes?: () => Promise<number>
}

/** Publishes persistent messages with confirms over amqplib, without a library of delays. */
export async function amqpEntrant(place: RabbitPlace, way: AmqpWay): Promise<Entrant> {
  const model = await connectRaw(place)
  model.on('error', () => undefined)
  const channel = await openConfirmChannel(model)
  await declareQuorum(channel, WORK_QUEUE)
  await way.declare?.(channel)
  const send = (item: Item, answered: (error: Error | null) => void) => {
    const { exchange, key, body, options } = way.publishOf(item)
    channel.publish(exchange, key, body, { persistent: true, mandatory: true, ...options }, answered)
  }
  return {
    settings: { client: 'amqplib', 'bulk: in flight': IN_FLIGHT, prefetch: PREFETCH, ...way.settings },
    schedule: (item) => sendAll([item], 1, send),
    scheduleMany: (items) => sendAll(items, IN_FLIGHT, send),
    waiting: way.waiting ?? (() => queuedMessages(place)),
    ...(way.bytes && { bytes: way.bytes }),
    // Work that restarts the broker ends the connection.
    close: () => model.close().catch(() => undefined),
  }
}

export async function consumeByAmqp(url: string, arrived: (payload: Payload) => void): Promise<Consuming> {
  const model = await connectRaw({ url })
  const channel = await model.createChannel()
  await channel.prefetch(PREFETCH)
  await channel.consume(WORK_QUEUE, (message) => {
    if (!message) throw new Error(`${WORK_QUEUE} is gone`)
    arrived(JSON.parse(message.content.toString()) as Payload)
    channel.ack(message)
  })
  return {
    close: async () => {
      await channel.close()
      await model.close()
    },
  }
}

import type { Channel, ConsumeMessage } from 'amqplib'
import type { Arrival, Subscription } from '../broker.js'
import { errorText, type DuequeError } from '../errors.js'
import type { Logger } from '../logger.js'
import { RecoveringChannel } from './channel.js'
import type { AmqpConnection } from './connection.js'
import { goodbye } from './goodbye.js'
import { isLoss, operationFailure } from './failures.js'

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
  logger: Logger
}

/**
 * Consumes a queue, and again after whatever ends it: a lost connection, a channel closed by the broker, a queue that was
 * deleted and declared anew.
 *
 * @throws DuequeError when the first start fails for a reason that stays
 */
export async function subscribe(
  { connection, queue, prefetch, prepare, cancelled: onCancelled, failed: onFailed, logger }: SubscribeSettings,
  listener: (arrival: Arrival) => void,
): Promise<Subscription> {
  let consumerTag: string | undefined
  let cancelled = false
  let lane: RecoveringChannel<Channel> | undefined

  const up = async (channel: Channel) => {
    await prepare()
    await channel.prefetch(prefetch)
    if (cancelled) return
    const onMessage = (message: ConsumeMessage | null) => {
      if (message) return listener(arrivalOf(channel, message, () => lane?.channel === channel))
      logger.warn('the broker cancelled the consumer: its queue was deleted or moved', { queue })
      onCancelled()
      consumerTag = undefined
      // Its channel goes too, so that there is one way to start again.
      channel.close().catch(() => undefined)
    }
    consumerTag = (await channel.consume(queue, onMessage)).consumerTag
    if (cancelled) await goodbye(channel.cancel(consumerTag))
  }

  await new Promise<void>((resolve, reject) => {
    let started = false
    lane = new RecoveringChannel(connection, {
      open: (model) => model.createChannel(),
      up: async (channel) => {
        await up(channel)
        started = true
        resolve()
      },
      down: (error) => {
        consumerTag = undefined
        if (error) logger.warn('consumer channel lost', { queue, error: errorText(error) })
      },
      failed: (error) => {
        logger.warn('consuming failed', { queue, error: errorText(error) })
        if (isLoss(error)) return true
        if (started) {
          onFailed(operationFailure(error, `queue ${queue}`, 'read'))
          return true
        }
        reject(operationFailure(error, `queue ${queue}`, 'read'))
        return false
      },
    })
  })

  return {
    cancel: async () => {
      cancelled = true
      const tag = consumerTag
      // Without a channel there is nothing to cancel.
      if (tag !== undefined) await goodbye(lane?.channel?.cancel(tag))
    },
    close: async () => {
      cancelled = true
      await lane?.close()
    },
  }
}

function arrivalOf(channel: Channel, message: ConsumeMessage, isLive: () => boolean): Arrival {
  const { headers, ...properties } = message.properties
  return {
    body: message.content,
    properties,
    headers: headers ?? {},
    exchange: message.fields.exchange,
    routingKey: message.fields.routingKey,
    redelivered: message.fields.redelivered,
    get live() {
      return isLive()
    },
    ack: () => quietly(() => channel.ack(message)),
    requeue: () => quietly(() => channel.nack(message, false, true)),
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

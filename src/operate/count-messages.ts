import type { Channel, ChannelModel } from 'amqplib'
import { isDuequeError } from '../base/errors.js'
import { closeChannel } from '../amqp/connection/close-channel.js'
import { operationFailure, replyCode } from '../amqp/connection/failures.js'

/** Measured with 750 names of which few exist, on a busy machine: one channel 2.4 s, 8 channels 0.7 s, 16 no less. */
const CHANNELS = 8

export interface CountOptions {
  onCounted?: ((done: number) => void) | undefined
  /** This user may not look at a queue. */
  onDenied?: ((queue: string) => void) | undefined
}

/**
 * Counts the messages of those queues that exist, by passive declares. Messages that a dead-letter worker holds, and those
 * that a consumer has not acked, are not counted: AMQP does not show them. The broker logs each queue that does not exist.
 *
 * @throws DuequeError `PERMISSION_DENIED`, unless `onDenied` is there
 */
export async function countMessages(
  model: ChannelModel,
  queues: readonly string[],
  { onCounted, onDenied }: CountOptions = {},
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const rest = queues.values()
  let done = 0
  const worker = async () => {
    let channel: Channel | undefined
    for (const queue of rest) {
      channel ??= await openChannel(model)
      const count = await countOf(channel, queue, onDenied)
      // A miss closes the channel.
      if (count === undefined) channel = undefined
      else counts.set(queue, count)
      onCounted?.(++done)
    }
    // Unless the connection has closed it.
    if (channel) await closeChannel(channel)
  }
  await Promise.all(Array.from({ length: CHANNELS }, worker))
  return counts
}

async function openChannel(model: ChannelModel): Promise<Channel> {
  try {
    const channel = await model.createChannel()
    // Reported by the operation that caused it.
    channel.on('error', () => undefined)
    return channel
  } catch (error) {
    throw operationFailure(error, 'channel', 'unknown')
  }
}

async function countOf(
  channel: Channel,
  queue: string,
  onDenied: CountOptions['onDenied'],
): Promise<number | undefined> {
  try {
    return (await channel.checkQueue(queue)).messageCount
  } catch (error) {
    if (replyCode(error) === 404) return undefined
    const failure = operationFailure(error, `queue ${queue}`, 'configure')
    if (!onDenied || !isDuequeError(failure, 'PERMISSION_DENIED')) throw failure
    onDenied(queue)
    return undefined
  }
}

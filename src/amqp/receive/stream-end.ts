import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import { TIMED_OUT, endsWithin, withTimeLimit } from '../../base/time-limit.js'
import { closeInTime } from '../connection/close-in-time.js'
import { openPlainChannel } from '../connection/uninstrumented.js'

/** The last record of a stream, or the first. */
export interface StreamEnd {
  readonly offset: number
  /** Milliseconds since the epoch, as its publisher wrote it. */
  readonly writtenAt: number | undefined
}

/** Room for a whole chunk: what does not fit would come later. */
const PREFETCH = 65_535
/** Without any record for so long the stream is empty, if the broker counts none either. */
const EMPTY_MS = 1000
/** For all of it: a reader without a replica gets no answer. */
const LONGEST_MS = 10_000

/**
 * The last record of a stream, by a second reader; undefined if the stream is empty. AMQP 0-9-1 cannot ask for it, and the
 * message count of a stream lags behind (518 to 1,462 of 1,500, measured on 3.10.8 and 4.3.6).
 *
 * A reader at `last` starts with the first record of the last chunk. The broker's channel sends the whole chunk in one go
 * (rabbit_stream_queue:stream_entries), so that its next answer comes behind the last record.
 *
 * @throws if the broker does not answer within 10 s, and what it answers
 */
export function streamEnd(model: ChannelModel, queue: string): Promise<StreamEnd | undefined> {
  return recordAt(model, queue, { from: 'last', most: PREFETCH })
}

/** The first record that a stream still has; undefined if the stream is empty. @throws as {@link streamEnd} */
export function streamStart(model: ChannelModel, queue: string): Promise<StreamEnd | undefined> {
  return recordAt(model, queue, { from: 'first', most: 1 })
}

interface Look {
  /** `last` is the first record of the last chunk. */
  from: 'first' | 'last'
  /** The prefetch. */
  most: number
}

async function recordAt(model: ChannelModel, queue: string, look: Look): Promise<StreamEnd | undefined> {
  const channel = await withTimeLimit(openPlainChannel(model), LONGEST_MS)
  try {
    return await withTimeLimit(lastOn(channel, queue, look), LONGEST_MS)
  } catch (error) {
    if (error !== TIMED_OUT) throw error
    throw new Error(`the stream was not read within ${LONGEST_MS / 1000} s`, { cause: error })
  } finally {
    // Nobody waits for the answer.
    void closeInTime(channel.close())
  }
}

async function lastOn(channel: Channel, queue: string, { from, most }: Look): Promise<StreamEnd | undefined> {
  let last: ConsumeMessage | undefined
  let onMessage: (message: ConsumeMessage | null) => void = () => undefined
  const begun = new Promise<void>((resolve, reject) => {
    channel.on('error', reject)
    channel.on('close', () => reject(new Error('the channel closed')))
    onMessage = (message) => {
      if (!message) return reject(new Error('the stream was deleted'))
      last = message
      resolve()
    }
  })
  // Reported by the operation that caused it, too.
  begun.catch(() => undefined)
  await channel.prefetch(most)
  const { consumerTag } = await channel.consume(queue, onMessage, { arguments: { 'x-stream-offset': from } })
  while (!(await endsWithin(begun, EMPTY_MS)))
    if ((await channel.checkQueue(queue)).messageCount === 0) return undefined
  await channel.cancel(consumerTag)
  return last && { offset: offsetOf(last), writtenAt: writtenAtOf(last) }
}

export function offsetOf({ properties }: ConsumeMessage): number {
  return Number(properties.headers?.['x-stream-offset'])
}

/** The property `timestamp` has whole seconds. */
export function writtenAtOf({ properties }: ConsumeMessage): number | undefined {
  const seconds: unknown = properties.timestamp
  return typeof seconds === 'number' ? seconds * 1000 : undefined
}

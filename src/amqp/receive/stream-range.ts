import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import { endsWithin, withTimeLimit } from '../../base/time-limit.js'
import { closeInTime } from '../connection/close-in-time.js'
import { openPlainChannel } from '../connection/uninstrumented.js'
import { offsetOf } from './stream-end.js'

/** Records of a stream that lie side by side. */
export interface StreamRange {
  readonly queue: string
  readonly first: number
  readonly last: number
  /** Unacked records at most, which all may be in memory. @default 8, because each may have 16 MiB */
  readonly unacked?: number | undefined
}

export interface RangeRecord {
  readonly offset: number
  readonly body: Uint8Array
}

/** Records of one call. */
const MOST_RECORDS = 100
/** With so many bytes no more are acked, and the rest is left for the next call. */
const MOST_BYTES = 8_000_000
/** A reader whose offset is beyond the end of the stream gets nothing. */
const SILENT_MS = 5000
/** For the broker's answers. */
const LONGEST_MS = 10_000

/**
 * Reads the first records of a range: as many as one call can, at least one, if the stream has one. The caller goes on behind
 * the last of them. None, if RabbitMQ has deleted them all, or never had them.
 *
 * @throws what the broker answers, and if it does not answer within 10 s
 */
export async function readRange(model: ChannelModel, range: StreamRange): Promise<readonly RangeRecord[]> {
  const channel = await withTimeLimit(openPlainChannel(model), LONGEST_MS)
  try {
    return await recordsOn(channel, range)
  } finally {
    // Nobody waits for the answer.
    void closeInTime(channel.close())
  }
}

async function recordsOn(
  channel: Channel,
  { queue, first, last, unacked = 8 }: StreamRange,
): Promise<readonly RangeRecord[]> {
  const records: RangeRecord[] = []
  const most = Math.min(last - first + 1, MOST_RECORDS)
  let [bytes, arrived] = [0, 0]
  let onMessage: (message: ConsumeMessage | null) => void = () => undefined
  const whole = new Promise<void>((resolve, reject) => {
    channel.on('error', reject)
    channel.on('close', () => reject(new Error('the channel closed')))
    onMessage = (message) => {
      if (!message) return reject(new Error('the stream was deleted'))
      const offset = offsetOf(message)
      arrived++
      if (offset >= first && offset <= last) records.push({ offset, body: message.content })
      bytes += message.content.byteLength
      if (offset >= last || arrived >= most || bytes >= MOST_BYTES) resolve()
      else channel.ack(message)
    }
  })
  // Reported by the operation that caused it, too.
  whole.catch(() => undefined)
  await withTimeLimit(channel.prefetch(Math.min(most, unacked)), LONGEST_MS)
  const args = { 'x-stream-offset': first }
  const { consumerTag } = await withTimeLimit(channel.consume(queue, onMessage, { arguments: args }), LONGEST_MS)
  for (let before = -1; before !== arrived;) {
    before = arrived
    if (await endsWithin(whole, SILENT_MS)) return records
  }
  // Its answer comes behind the records that were sent: a silence may have been that of the network, or of this process.
  await withTimeLimit(channel.cancel(consumerTag), LONGEST_MS)
  return records
}

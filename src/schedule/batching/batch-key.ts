import { QUEUE_NAME_BYTES } from '../../message/destination.js'
import { batchQueue } from '../../message/batch.js'
import type { DelayedMessage } from '../../message/delayed-message.js'
import type { WaitOptions } from '../../strategies/strategy.js'

/** A body that is larger goes on its own, and so does a message that is larger as an item of a batch. */
export const MOST_ITEM_BYTES = 8 * 1024
const LEAST_DELAY_MS = 1000
/** How far apart the messages of one batch are due at most, in milliseconds: the widest first. */
const WIDTHS = [1000, 500, 250] as const

/**
 * Messages with the same key travel in one batch: they go to one queue, with one priority, and are due in the same slot of time.
 * A slot is at most a quarter of their delay, because the first of a batch decides when it arrives.
 *
 * @returns undefined for a message that goes on its own
 */
export function batchKey(message: DelayedMessage, { signal }: WaitOptions, now: number): string | undefined {
  const { destination, priority, dueAt, body } = message
  const { queue, outlet } = destination
  const delayMs = dueAt - now
  if (queue === undefined || outlet || signal || delayMs < LEAST_DELAY_MS) return undefined
  if (body.byteLength > MOST_ITEM_BYTES || !takesBatches(queue)) return undefined
  const width = WIDTHS.find((one) => one <= delayMs / 4)!
  return `${width}:${Math.floor(dueAt / width)}:${priority ?? ''}:${queue}`
}

/** Whether the name leaves room for that of the queue of its batches. */
function takesBatches(queue: string): boolean {
  return Buffer.byteLength(batchQueue(queue)) <= QUEUE_NAME_BYTES
}

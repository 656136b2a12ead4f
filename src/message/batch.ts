import { shown } from '../base/errors.js'
import { isInteger } from '../base/checks.js'
import type { DelayedMessage } from './delayed-message.js'
import { fieldsOf, messageOfFormat, metaOf } from './stored-message.js'

/** The end of the name of the queue that takes batches. It stands beside the queue of their items. */
const SUFFIX = '.batches'
const LINE_END = 0x0a

/** Most items of a batch. */
export const MOST_ITEMS = 64
/** Most bytes of a batch, lines and bodies together. One item may be more, alone. */
export const MOST_BATCH_BYTES = 64 * 1024

/** The queue that takes the batches of messages to a queue. */
export function batchQueue(queue: string): string {
  return `${queue}${SUFFIX}`
}

/** The queue whose batches a queue takes, by its name; undefined if it takes none. */
export function queueOfBatches(name: string): string | undefined {
  return name.endsWith(SUFFIX) && name !== SUFFIX ? name.slice(0, -SUFFIX.length) : undefined
}

/** The line of an item, without its line end, behind which its body follows. */
export function itemLine(message: DelayedMessage): string {
  return metaOf(message, message.body.byteLength)
}

/**
 * The items of a batch, in their order. Their bodies share its memory. docs/reference/wire-format/batches.md has the format.
 *
 * @param count what the header `dueque-items` says
 * @throws Error if it is not a batch of so many items to this queue, or is of a later version
 */
export function decodeBatch(batch: Uint8Array, count: unknown, queue: string): DelayedMessage[] {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength)
  const items: DelayedMessage[] = []
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(LINE_END, at)
    if (end < 0) throw new Error(`item ${items.length + 1} of a batch: its line has no end`)
    const fields = fieldsOf(bytes.toString('utf8', at, end))
    const length = fields['bytes']
    at = end + 1
    if (!isInteger(length, 0) || at + length > bytes.length)
      throw new Error(`item ${items.length + 1} of a batch: a body of ${shown(length)} bytes`)
    const item = messageOfFormat(fields, bytes.subarray(at, at + length))
    if (item.destination.queue !== queue)
      throw new Error(
        `item ${items.length + 1} of a batch is for ${shown(item.destination)}, not for the queue ${queue}`,
      )
    items.push(item)
    at += length
  }
  if (items.length === 0 || items.length !== count)
    throw new Error(`a batch of ${items.length} items that should have ${shown(count)}`)
  return items
}

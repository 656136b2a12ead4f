import { randomUUID } from 'node:crypto'
import type { Dueque } from '../../src/index.js'
import { partsOf } from '../../src/inner-parts.js'
import { batchQueue, itemLine } from '../../src/message/batch.js'
import type { DelayedMessage } from '../../src/message/delayed-message.js'
import { HEADER } from '../../src/message/headers.js'

/** A message of `test.note` for a queue. */
export function noteItem(queue: string, n: number, dueAt: number, more: Partial<DelayedMessage> = {}): DelayedMessage {
  const now = Date.now()
  return {
    id: `${queue}-${n}`,
    name: 'test.note',
    version: 1,
    body: Buffer.from(JSON.stringify({ n })),
    destination: { queue },
    dueAt,
    scheduledAt: now,
    expiresAt: undefined,
    revision: now * 1000 + n,
    attempt: 1,
    headers: {},
    priority: undefined,
    correlationId: undefined,
    dedupeKey: undefined,
    ...more,
  }
}

/** The batch of some messages to one queue, as a producer sends it. */
export function batchOf(items: readonly DelayedMessage[], more: Partial<DelayedMessage> = {}): DelayedMessage {
  const { destination, scheduledAt, revision } = items[0]!
  return {
    ...items[0]!,
    id: randomUUID(),
    name: 'dueque.batch',
    body: Buffer.concat(items.flatMap((item) => [Buffer.from(`${itemLine(item)}\n`), item.body])),
    destination: { queue: batchQueue(destination.queue!) },
    dueAt: Math.min(...items.map(({ dueAt }) => dueAt)),
    headers: { [HEADER.items]: items.length },
    correlationId: undefined,
    dedupeKey: undefined,
    ...{ scheduledAt, revision, expiresAt: undefined, properties: { contentType: 'application/octet-stream' } },
    ...more,
  }
}

/** Sends a batch of notes, numbered from 0, one for each due time. The consumer has declared the queue. */
export async function sendNotes(mq: Dueque, queue: string, dueTimes: readonly number[]): Promise<DelayedMessage[]> {
  const items = dueTimes.map((dueAt, n) => noteItem(queue, n, dueAt))
  await send(mq, batchOf(items))
  return items
}

export async function send(mq: Dueque, batch: DelayedMessage): Promise<void> {
  await partsOf(mq).options.strategy.schedule(batch, { declare: false })
}

/** So many due times, all now. */
export const dueNow = (count: number) => Array.from({ length: count }, () => Date.now())

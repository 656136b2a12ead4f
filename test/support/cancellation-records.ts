import { setTimeout as pause } from 'node:timers/promises'
import type { Channel } from 'amqplib'

/** A line of a message in a cancellation stream, as docs/wire-format.md describes it. */
export interface WrittenRecord {
  readonly id: string
  readonly due?: number
  readonly revision?: number
  readonly upTo?: number
  readonly keep?: number
}

const HORIZONS = ['1h', '8h', '3d', '30d', '1y', '10y']

/** All records in the streams of a namespace, read by hand. */
export async function writtenRecords(channel: Channel, namespace = 'dueque'): Promise<WrittenRecord[]> {
  const records: WrittenRecord[] = []
  let lastAt = performance.now()
  await channel.prefetch(1000)
  for (const horizon of HORIZONS) {
    await channel.consume(
      `${namespace}.v1.cancellations.${horizon}`,
      (message) => {
        lastAt = performance.now()
        channel.ack(message!)
        const lines = message!.content.toString().split('\n')
        for (const line of lines) if (line !== '') records.push(JSON.parse(line) as WrittenRecord)
      },
      { arguments: { 'x-stream-offset': 'first' } },
    )
  }
  while (performance.now() - lastAt < 1500) await pause(100)
  return records
}

/** Whether one of the records of an id cancels this revision of it. */
export function isNamed(records: readonly WrittenRecord[], revision: number): boolean {
  return records.some(
    (record) => revision === record.revision || revision <= (record.upTo ?? -1) || revision < (record.keep ?? -1),
  )
}

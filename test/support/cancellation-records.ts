import { HORIZONS } from '../../src/log/horizons.js'
import { streamMessages } from './stream-messages.js'

/** A line of a message in a cancellation stream, as docs/wire-format.md describes it. */
export interface WrittenRecord {
  readonly id: string
  readonly due?: number
  readonly revision?: number
  readonly upTo?: number
  readonly keep?: number
}

/** All records in the streams of a namespace, parsed by hand. */
export async function writtenRecords(url: string, namespace = 'dueque'): Promise<WrittenRecord[]> {
  const streams = HORIZONS.map(({ name }) => streamMessages(url, `${namespace}.v1.cancellations.${name}`))
  const lines = (await Promise.all(streams)).flat().flatMap(({ content }) => content.toString().split('\n'))
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as WrittenRecord)
}

/** Whether one of the records of an id cancels this revision of it. */
export function isNamed(records: readonly WrittenRecord[], revision: number): boolean {
  return records.some(
    (record) => revision === record.revision || revision <= (record.upTo ?? -1) || revision < (record.keep ?? -1),
  )
}

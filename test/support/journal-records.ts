import type { Names } from '../../src/amqp/topology/names.js'
import { decodeRecord, type Entry, type Refusal } from '../../src/journal/journal-record.js'
import { HORIZONS, type Horizon } from '../../src/log/horizons.js'
import { readLines } from '../../src/log/lines.js'
import { journalLayout } from '../../src/log/log-layout.js'
import { entryKey } from '../../src/strategies/waiting-view.js'
import { streamMessages } from './stream-messages.js'

/** A record, and where it is. */
export type Journalled<R> = R & { horizon: string }

/** All records of a journal at this moment, and the number of publishes that brought them. */
export async function journalRecords(url: string, prefix: Names['prefix'] = 'dueque.v1') {
  const entries: Journalled<Entry>[] = []
  const refusals: Journalled<Refusal>[] = []
  let publishes = 0
  const read = (horizon: Horizon) => streamMessages(url, journalLayout({ prefix }).stream(horizon))
  const streams = await Promise.all(HORIZONS.map(async (horizon) => ({ horizon, messages: await read(horizon) })))
  for (const { horizon, messages } of streams) {
    for (const { content } of messages) {
      if (content.byteLength > 0) publishes++
      const take = (line: string) => {
        const record = decodeRecord(line)
        if (record.refused === undefined) entries.push({ ...record, horizon: horizon.name })
        else refusals.push({ ...record, horizon: horizon.name })
      }
      readLines(content, take, (error) => {
        throw error
      })
    }
  }
  return { entries, refusals, publishes }
}

/** By the journal alone, whatever was cancelled: an entry for each key, those that were refused left out. */
export async function listed(url: string, prefix?: Names['prefix']): Promise<Journalled<Entry>[]> {
  const { entries, refusals } = await journalRecords(url, prefix)
  const refused = new Set(refusals.map(({ id, refused: number }) => `${number} ${id}`))
  const left = entries.filter(({ written, message: { id } }) => !refused.has(`${written} ${id}`))
  left.sort((a, b) => a.written - b.written)
  return [...new Map(left.map((entry) => [entryKey(entry.message), entry])).values()]
}

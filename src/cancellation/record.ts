import { isInteger } from '../base/checks.js'
import { LATEST_MS } from '../base/clock.js'
import { shown } from '../base/errors.js'
import { readLines } from '../log/lines.js'
import type { CancellationRecord } from './cancellation-record.js'

type Kind = 'revision' | 'upTo' | 'keep'

/** One line of JSON for a record. */
export function encodeRecord(record: CancellationRecord): string {
  // AMQP replaces half of a surrogate pair in a message's id, where JSON would keep it.
  return JSON.stringify({ ...record, id: Buffer.from(record.id).toString() })
}

/**
 * The records of one message of a stream, which may hold none.
 *
 * @param unreadable called for each line that is no record; the others are read all the same
 */
export function decodeRecords(body: Uint8Array, unreadable: (error: Error) => void): CancellationRecord[] {
  const records: CancellationRecord[] = []
  readLines(body, (line) => records.push(decodeRecord(line)), unreadable)
  return records
}

/** Later versions may add fields. A field of a later kind of record alone makes it unreadable. */
function decodeRecord(line: string): CancellationRecord {
  const { id, due, revision, upTo, keep } = Object(JSON.parse(line)) as Partial<Record<Kind | 'id' | 'due', unknown>>
  if (typeof id !== 'string' || id === '') throw expected('a text as id', id)
  if (due !== undefined && !isInteger(due, 0, LATEST_MS)) throw expected('milliseconds since the epoch as due', due)
  if (revision !== undefined && upTo === undefined && keep === undefined)
    return { id, due, revision: checked('revision', revision) }
  if (upTo !== undefined && revision === undefined && keep === undefined)
    return { id, due, upTo: checked('upTo', upTo) }
  if (keep !== undefined && revision === undefined && upTo === undefined)
    return { id, due, keep: checked('keep', keep) }
  throw new Error('a cancellation record: expected exactly one of revision, upTo and keep')
}

function checked(kind: Kind, value: unknown): number {
  if (isInteger(value, 0)) return value
  throw expected(`a whole number from 0 as ${kind}`, value)
}

function expected(what: string, value: unknown): Error {
  return new Error(`a cancellation record: expected ${what}, got ${shown(value)}`)
}

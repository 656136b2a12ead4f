import { isInteger } from '../base/checks.js'
import { LATEST_MS } from '../base/clock.js'

/**
 * Which revisions of an id are cancelled. Records commute: their order and repeats mean nothing. The format is in
 * docs/wire-format.md.
 */
export type CancellationRecord = CancelledRevisions & {
  readonly id: string
  /** The latest due time of the messages that it concerns, in milliseconds since the epoch. Undefined if it is not known. */
  readonly due: number | undefined
}

/** What a record says about the revisions of its id. */
type CancelledRevisions =
  /** Exactly this one is cancelled. */
  | { readonly revision: number; readonly upTo?: never; readonly keep?: never }
  /** This one and every smaller one is cancelled. */
  | { readonly upTo: number; readonly revision?: never; readonly keep?: never }
  /** Every smaller one is cancelled: this one replaces them. */
  | { readonly keep: number; readonly revision?: never; readonly upTo?: never }

const LINE_END = '\n'
const KINDS = ['revision', 'upTo', 'keep'] as const

/** One line of JSON for a record, in UTF-8. */
export function encodeRecord(record: CancellationRecord): string {
  return JSON.stringify(record)
}

export function joinRecords(lines: readonly string[]): Buffer {
  return Buffer.from(lines.join(LINE_END))
}

/**
 * The records of one message of a stream, which may hold none.
 *
 * @param unreadable called for each line that is no record; the others are read all the same
 */
export function decodeRecords(body: Uint8Array, unreadable: (error: Error) => void): CancellationRecord[] {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  const records: CancellationRecord[] = []
  for (const line of text.split(LINE_END)) {
    if (line === '') continue
    try {
      records.push(decodeRecord(line))
    } catch (error) {
      unreadable(error as Error)
    }
  }
  return records
}

function decodeRecord(line: string): CancellationRecord {
  const value = Object(JSON.parse(line)) as Partial<Record<(typeof KINDS)[number] | 'id' | 'due', unknown>>
  const { id, due } = value
  if (typeof id !== 'string' || id === '') throw new Error('a cancellation record has no id')
  if (due !== undefined && !isInteger(due, 0, LATEST_MS)) throw new Error('the due time of a cancellation is none')
  const kinds = KINDS.filter((kind) => value[kind] !== undefined)
  const [kind] = kinds
  if (kind === undefined || kinds.length > 1)
    throw new Error('a cancellation record has one of revision, upTo and keep')
  const revision = value[kind]
  if (!isInteger(revision, 0)) throw new Error(`${kind} of a cancellation is no revision`)
  return { id, due, [kind]: revision } as unknown as CancellationRecord
}

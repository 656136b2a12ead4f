import type { AmqpConnection } from '../../amqp/connection/connection.js'
import { operationFailure } from '../../amqp/connection/failures.js'
import { readRange, type RangeRecord, type StreamRange } from '../../amqp/receive/stream-range.js'
import { withTimeLimit } from '../../base/time-limit.js'
import type { Names } from '../../amqp/topology/names.js'
import { readLines } from '../../log/lines.js'
import { journalLayout } from '../../log/log-layout.js'
import type { JournalledMessage } from '../../strategies/waiting-view.js'
import { decodeRecord, type Entry, type Place } from '../journal-record.js'
import { unread } from './unread.js'
import type { FoundEntry } from '../waiting/waiting-index.js'

/** Ranges that are read at once, on a channel each. */
const AT_ONCE = 8
/** Records of a range that are on their way: a large network distance needs many, large ones much memory. */
const [MOST_UNACKED, UNACKED_BYTES] = [32, 32_000_000]
/** How long the broker may be away. */
const AWAY_MS = 30_000
/** Records that are read for nothing, rather than opening another channel. */
const MOST_BETWEEN = 8

/** Reads messages from their places in the streams of a journal. */
export class PlacedMessages {
  readonly #connection: AmqpConnection
  readonly #namespace: string
  readonly #streams: readonly string[]
  readonly #waiting: (() => void)[] = []
  #reading = 0

  constructor(connection: AmqpConnection, names: Pick<Names, 'namespace' | 'prefix'>) {
    this.#connection = connection
    this.#namespace = names.namespace
    this.#streams = journalLayout(names)
      .streams()
      .map(({ name }) => name)
  }

  /** Undefined for each entry that is not at its place any more. */
  async at(found: readonly FoundEntry[]): Promise<(JournalledMessage | undefined)[]> {
    const messages = new Map<FoundEntry, JournalledMessage>()
    const read = async (group: Group) => {
      for await (const record of this.#records(group)) {
        const entries = group.entries.filter(({ place }) => place.offset === record.offset)
        const lines = new Set(entries.map(({ place }) => place.line))
        for (const [entry, place] of entriesOf(record, group.stream, lines))
          for (const one of entries) if (isOne(one, entry, place)) messages.set(one, entry.message)
      }
    }
    await Promise.all(groupsOf(found).map(read))
    return found.map((one) => messages.get(one))
  }

  /** All entries of a stream from an offset to another one, in their order. */
  async *all(stream: number, first: number, last: number): AsyncGenerator<[Entry, Place]> {
    for await (const record of this.#records({ stream, first, last })) yield* entriesOf(record, stream)
  }

  async *#records({ stream, first, last }: Pick<Group, 'stream' | 'first' | 'last'>): AsyncGenerator<RangeRecord> {
    let unacked: number | undefined
    for (let from = first; from <= last;) {
      const records = await this.#range({ queue: this.#streams[stream]!, first: from, last, unacked })
      if (records.length === 0) return
      yield* records
      from = records.at(-1)!.offset + 1
      unacked = unackedOf(records)
    }
  }

  async #range(range: StreamRange): Promise<readonly RangeRecord[]> {
    while (this.#reading >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#reading++
    try {
      return await readRange(await withTimeLimit(this.#connection.ready(), AWAY_MS), range)
    } catch (error) {
      throw unread(this.#namespace, operationFailure(error, `queue ${range.queue}`, 'read'))
    } finally {
      this.#reading--
      this.#waiting.shift()?.()
    }
  }
}

/** The next records are about as large. */
function unackedOf(records: readonly RangeRecord[]): number {
  const bytes = records.reduce((sum, { body }) => sum + body.byteLength, 1)
  return Math.min(Math.ceil((UNACKED_BYTES * records.length) / bytes), MOST_UNACKED)
}

/** Entries of one stream that are read together. */
interface Group {
  readonly stream: number
  readonly first: number
  last: number
  readonly entries: FoundEntry[]
}

function groupsOf(found: readonly FoundEntry[]): Group[] {
  const groups: Group[] = []
  const sorted = found.toSorted((a, b) => a.place.stream - b.place.stream || a.place.offset - b.place.offset)
  for (const entry of sorted) {
    const { stream, offset } = entry.place
    const group = groups.at(-1)
    if (group?.stream === stream && offset <= group.last + MOST_BETWEEN) {
      group.entries.push(entry)
      group.last = offset
    } else groups.push({ stream, first: offset, last: offset, entries: [entry] })
  }
  return groups
}

/** @param lines those that are wanted. @default all */
function entriesOf({ offset, body }: RangeRecord, stream: number, lines?: ReadonlySet<number>): [Entry, Place][] {
  const entries: [Entry, Place][] = []
  const read = (text: string, line: number) => {
    if (lines?.has(line) === false) return
    const record = decodeRecord(text)
    if (record.refused === undefined) entries.push([record, { stream, offset, line }])
  }
  // They were reported when they were read first.
  readLines(body, read, () => undefined)
  return entries
}

function isOne(
  { id, revision, written, place }: FoundEntry,
  { message, written: number }: Entry,
  { line }: Place,
): boolean {
  return place.line === line && written === number && id === message.id && revision === message.revision
}

import { CancelledRevisions } from '../cancellation/cancelled-revisions.js'
import type { CancellationRecord } from '../cancellation/cancellation-record.js'
import { readyAt } from '../message/delayed-message.js'
import {
  comparePositions,
  entryKey,
  fits,
  positionOf,
  spanCounts,
  type JournalledMessage,
  type Position,
  type SpanCount,
  type WaitlistFilter,
} from '../strategies/waiting-view.js'
import type { JournalIntake } from './journal-reading.js'
import type { Entry, JournalRecord } from './journal-record.js'

export interface IndexSettings {
  /** Milliseconds since the epoch: messages that are ready after it wait. */
  now: () => number
  /** How long a cancellation counts after its due time. */
  graceMs: number
  /** Other messages are left out. */
  takes: (message: JournalledMessage) => boolean
}

/** The waiting messages, by what was read of the journal and of the cancellations so far. */
export class WaitingIndex implements JournalIntake {
  readonly #settings: IndexSettings
  readonly #cancelled: CancelledRevisions
  /** By the number of the entry, as its revision. */
  readonly #refused = new CancelledRevisions(0)
  readonly #entries = new Map<string, Map<number, Entry>>()

  constructor(settings: IndexSettings) {
    this.#settings = settings
    this.#cancelled = new CancelledRevisions(settings.graceMs)
  }

  take(record: JournalRecord): void {
    const { now, takes } = this.#settings
    if (record.refused !== undefined) {
      const { id, refused: revision, readyAt: due } = record
      return this.#refused.add({ id, revision, due }, now())
    }
    const { message, written } = record
    if (readyAt(message) <= now() || !takes(message)) return
    const key = entryKey(message)
    const entries = this.#entries.get(key) ?? new Map<number, Entry>()
    this.#entries.set(key, entries.set(written, record))
  }

  cancel(record: CancellationRecord, writtenAt: number): void {
    this.#cancelled.add(record, writtenAt, this.#settings.now())
  }

  /** The messages with this id, the latest revision first. */
  find(id: string): JournalledMessage[] {
    return this.all()
      .filter((message) => message.id === id)
      .sort((a, b) => b.revision - a.revision || readyAt(b) - readyAt(a))
  }

  list(filter: WaitlistFilter, { after, limit }: { after?: Position | undefined; limit: number }): JournalledMessage[] {
    return this.all(filter)
      .map((message) => ({ message, at: positionOf(message) }))
      .filter(({ at }) => !after || comparePositions(at, after) > 0)
      .sort((a, b) => comparePositions(a.at, b.at))
      .slice(0, limit)
      .map(({ message }) => message)
  }

  count(filter: WaitlistFilter): number {
    return this.all(filter).length
  }

  countBy(filter: WaitlistFilter, spanMs: number): SpanCount[] {
    return spanCounts(this.all(filter).map(readyAt), spanMs)
  }

  /** In no order. */
  all(filter: WaitlistFilter = {}): JournalledMessage[] {
    const now = this.#settings.now()
    return [...this.#entries.values()].flatMap((entries) => {
      const message = this.#latest(entries)?.message
      return message && readyAt(message) > now && fits(filter, message) ? [message] : []
    })
  }

  #latest(entries: ReadonlyMap<number, Entry>): Entry | undefined {
    let latest: Entry | undefined
    for (const entry of entries.values()) {
      const { id, revision } = entry.message
      if (this.#cancelled.has(id, revision)) return undefined
      if (entry.written > (latest?.written ?? -1) && !this.#refused.has(id, entry.written)) latest = entry
    }
    return latest
  }
}

import { CancelledRevisions } from '../../cancellation/cancelled-revisions.js'
import type { CancellationRecord } from '../../cancellation/cancellation-record.js'
import type { JournalIntake } from '../../journal/reading/journal-reading.js'
import type { Entry, JournalRecord, Place } from '../../journal/journal-record.js'
import type { Destination } from '../../message/destination.js'
import { readyAt } from '../../message/delayed-message.js'
import { DestinationCounts, type DestinationCount } from '../../strategies/destination-counts.js'
import { entryKey } from '../../strategies/waiting-view.js'
import type { SkippedMessages } from './restore-plan.js'

const HOUR_MS = 3_600_000

/** A message that waited when its broker was lost, by its entries in the journal. */
interface LostMessage {
  readonly id: string
  readonly revision: number
  readonly destination: Destination
  /** Usually one. */
  readonly entries: LostEntry[]
  isPresent: boolean
}

interface LostEntry {
  readonly written: number
  readonly place: Place
  readonly readyAt: number
  readonly hasBody: boolean
}

/** The messages that waited at one instant, by a journal and a log of cancellations that were read in any order. */
export class LostMessages implements JournalIntake {
  readonly #lostAt: number
  readonly #cancelled: CancelledRevisions
  readonly #refused = new Set<string>()
  readonly #messages = new Map<string, LostMessage>()
  readonly #skipped = { cancelled: 0, refused: 0, present: 0, withoutBody: 0 }
  readonly #chosen = new Map<string, LostEntry>()
  readonly #destinations = new DestinationCounts()
  /** Entries of messages that were ready within an hour before. */
  justBefore = 0

  /**
   * @param lostAt milliseconds since the epoch
   * @param graceMs how long a cancellation counts after its due time
   */
  constructor(lostAt: number, graceMs: number) {
    this.#lostAt = lostAt
    this.#cancelled = new CancelledRevisions(graceMs)
  }

  take(record: JournalRecord, place: Place): void {
    const at = record.refused === undefined ? readyAt(record.message) : record.readyAt
    if (at <= this.#lostAt) return this.#wasReady(record, at)
    if (record.refused !== undefined) this.#refused.add(refusalKey(record.id, record.refused))
    else this.#add(record, at, place)
  }

  /** @param writtenAt milliseconds since the epoch */
  cancel(record: CancellationRecord, writtenAt: number): void {
    this.#cancelled.add(record, writtenAt, this.#lostAt)
  }

  /** A message that the target has already: it is not scheduled again. */
  present({ message }: Entry): void {
    const lost = this.#messages.get(entryKey(message))
    if (lost) lost.isPresent = true
  }

  /** Decides about every message, once all records were read. */
  decide(): void {
    for (const [key, lost] of this.#messages) this.#decide(key, lost)
    this.#messages.clear()
  }

  /** Messages that are to be scheduled again, and were not claimed yet. */
  get size(): number {
    return this.#chosen.size
  }

  get skipped(): SkippedMessages {
    return this.#skipped
  }

  get destinations(): DestinationCount[] {
    return this.#destinations.all()
  }

  /** How many are ready up to an instant. */
  readyBy(now: number): number {
    let count = 0
    for (const { readyAt } of this.#chosen.values()) if (readyAt <= now) count++
    return count
  }

  /** Where the entries of these messages are: for each stream, the offsets of the first and of the last. */
  ranges(): { stream: number; first: number; last: number }[] {
    const ranges: { stream: number; first: number; last: number }[] = []
    for (const { place } of this.#chosen.values()) {
      const { stream, offset } = place
      const range = (ranges[stream] ??= { stream, first: offset, last: offset })
      range.first = Math.min(range.first, offset)
      range.last = Math.max(range.last, offset)
    }
    return ranges.filter(Boolean)
  }

  /** Whether the message of an entry is to be scheduled again: once. */
  claim({ message, written }: Entry): boolean {
    const key = entryKey(message)
    return this.#chosen.get(key)?.written === written && this.#chosen.delete(key)
  }

  #wasReady({ refused }: JournalRecord, at: number): void {
    if (refused === undefined && at > this.#lostAt - HOUR_MS) this.justBefore++
  }

  #add({ message, written }: Entry, at: number, place: Place): void {
    const { id, revision, destination, body } = message
    const key = entryKey(message)
    const lost = this.#messages.get(key) ?? { id, revision, destination, entries: [], isPresent: false }
    this.#messages.set(key, lost)
    // Records may be read twice.
    if (lost.entries.some((entry) => entry.written === written)) return
    lost.entries.push({ written, place, readyAt: at, hasBody: body !== undefined })
  }

  #decide(key: string, { id, revision, destination, entries, isPresent }: LostMessage): void {
    const taken = entries.filter(({ written }) => !this.#refused.has(refusalKey(id, written)))
    const [latest] = taken.sort((a, b) => b.written - a.written)
    if (!latest) this.#skipped.refused++
    else if (this.#cancelled.has(id, revision)) this.#skipped.cancelled++
    else if (isPresent) this.#skipped.present++
    else if (!latest.hasBody) this.#skipped.withoutBody++
    else this.#choose(key, latest, destination)
  }

  #choose(key: string, entry: LostEntry, destination: Destination): void {
    this.#chosen.set(key, entry)
    this.#destinations.add(destination, entry.readyAt)
  }
}

function refusalKey(id: string, written: number): string {
  return `${written}\0${id}`
}

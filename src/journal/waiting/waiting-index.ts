import { CancelledRevisions } from '../../cancellation/cancelled-revisions.js'
import type { CancellationRecord } from '../../cancellation/cancellation-record.js'
import { destinationText } from '../../message/destination.js'
import { readyAt } from '../../message/delayed-message.js'
import { DestinationCounts, type DestinationCount } from '../../strategies/destination-counts.js'
import {
  SpanCounts,
  type JournalledMessage,
  type ListedMessage,
  type Position,
  type SpanCount,
  type WaitlistFilter,
} from '../../strategies/waiting-view.js'
import type { Entry, JournalRecord, Refusal, Place } from '../journal-record.js'
import type { JournalIntake } from '../reading/journal-reading.js'
import { HIDDEN, SEGMENT_ENTRIES, SHOWN } from './entry-columns.js'
import { atOf, EntryStore } from './entry-store.js'
import { EntryFilter } from './entry-filter.js'
import { earliest } from './earliest.js'

/** {@link WaitingIndex.forget} looks through so many. */
const FORGETS_IN = 8

export interface IndexSettings {
  /** Milliseconds since the epoch: messages that are ready after it wait. */
  now: () => number
  /** How long a cancellation counts after its due time. */
  graceMs: number
  /** Other messages are left out. @default all are taken */
  takes?: ((message: JournalledMessage) => boolean) | undefined
}

/** An entry without its body and headers: its place, and the fields that identify it there. */
export interface FoundEntry {
  readonly id: string
  readonly revision: number
  readonly written: number
  readonly readyAt: number
  readonly place: Place
}

/**
 * The waiting messages, by what was read of the journal and of the cancellations so far. Of the entries with one key that are
 * ready in the future and not refused, the one that was written last counts. Records may come in any order, and again.
 */
export class WaitingIndex implements JournalIntake {
  readonly #settings: IndexSettings
  readonly #entries = new EntryStore()
  readonly #cancelled: CancelledRevisions
  /** By the number of the entry, as its revision. */
  readonly #refused = new CancelledRevisions(0)
  /** The first of the segments of the next {@link forget}. */
  #next = 0

  constructor(settings: IndexSettings) {
    this.#settings = settings
    this.#cancelled = new CancelledRevisions(settings.graceMs)
  }

  /** Entries, also superseded ones, and some that are not waiting any more. */
  get size(): number {
    return this.#entries.size
  }

  /** Of the entries in memory. */
  get bytes(): number {
    return this.#entries.bytes
  }

  /** @throws Error for an entry that cannot be kept */
  take(record: JournalRecord, place: Place): void {
    if (record.refused === undefined) this.#add(record, place)
    else this.#refuse(record)
  }

  cancel(record: CancellationRecord, writtenAt: number): void {
    this.#cancelled.add(record, writtenAt, this.#settings.now())
    if (this.size === 0) return
    const { id, revision } = record
    const slots = revision === undefined ? this.#entries.ofId(id) : this.#entries.ofRevision(id, revision)
    for (const slot of slots) if (this.#cancelled.has(id, this.#revision(slot))) this.#entries.remove(slot)
  }

  /** The entries with this id, the latest revision first. */
  find(id: string): FoundEntry[] {
    const now = this.#settings.now()
    const waiting = this.#entries.ofId(id).filter((slot) => this.#isWaiting(slot, now))
    return waiting.map((slot) => this.#found(slot)).sort((a, b) => b.revision - a.revision || b.readyAt - a.readyAt)
  }

  /** Headers are not in the index: those of a filter are for {@link IndexSettings.takes}. */
  list(filter: WaitlistFilter, { after, limit }: { after?: Position | undefined; limit: number }): FoundEntry[] {
    return earliest(this.#entries, this.#matching(filter), after, limit).map((slot) => this.#found(slot))
  }

  listShort(filter: WaitlistFilter, { after, limit }: Parameters<WaitingIndex['list']>[1]): ListedMessage[] {
    return earliest(this.#entries, this.#matching(filter), after, limit).map((slot) => this.#listed(slot))
  }

  count(filter: WaitlistFilter): number {
    let count = 0
    this.#matching(filter).forEach(() => count++)
    return count
  }

  countBy(filter: WaitlistFilter, spanMs: number): SpanCount[] {
    const counts = new SpanCounts(spanMs)
    this.#matching(filter).forEach((columns, at) => counts.add(columns.readyAt[at]!))
    return counts.all()
  }

  countByDestination(): DestinationCount[] {
    const counts = new DestinationCounts()
    const { destinations } = this.#entries
    this.#matching({}).forEach((columns, at) =>
      counts.add(destinations.at(columns.destination[at]!).destination, columns.readyAt[at]!),
    )
    return counts.all()
  }

  /** Whether the entry at this place is the one that counts for its key, and waits. */
  isWaiting({ message: { id, revision }, written }: Entry, { stream, offset, line }: Place): boolean {
    const now = this.#settings.now()
    for (const slot of this.#entries.ofRevision(id, revision)) {
      const [columns, at] = [this.#entries.columns(slot), atOf(slot)]
      if (columns.written[at] !== written || !this.#isWaiting(slot, now)) continue
      const place = columns.place(at)
      if (place.stream === stream && place.offset === offset && place.line === line) return true
    }
    return false
  }

  /** For each stream of the journal, the first and the last offset of the entries. */
  ranges(): Map<number, { first: number; last: number }> {
    const ranges = new Map<number, { first: number; last: number }>()
    this.#matching({}).forEach((columns, at) => {
      const { stream, offset } = columns.place(at)
      const { first, last } = ranges.get(stream) ?? { first: offset, last: offset }
      ranges.set(stream, { first: Math.min(first, offset), last: Math.max(last, offset) })
    })
    return ranges
  }

  /** Removes the entries of a stream up to an offset: RabbitMQ deletes the oldest records of a stream. */
  dropUpTo(stream: number, offset: number): void {
    for (const [segment, columns] of this.#entries.segments.entries())
      for (let at = 0; at < (columns?.used ?? 0); at++) {
        if (!columns!.state[at]) continue
        const place = columns!.place(at)
        if (place.stream === stream && place.offset <= offset) this.#remove(segment * SEGMENT_ENTRIES + at)
      }
  }

  /**
   * Removes most of the entries whose time has come, and forgets cancellations whose time is over. Each call looks through an
   * eighth of the memory, so that none takes long.
   */
  forget(): void {
    const now = this.#settings.now()
    this.#cancelled.forget(now)
    this.#refused.forget(now)
    const { segments } = this.#entries
    for (let left = Math.ceil(segments.length / FORGETS_IN); left > 0; left--) {
      this.#next = (this.#next + 1) % segments.length
      this.#forgetIn(this.#next, now)
      this.#entries.compact(this.#next)
    }
  }

  #forgetIn(segment: number, now: number): void {
    const columns = this.#entries.segments[segment]
    for (let at = 0; at < (columns?.used ?? 0); at++)
      if (columns!.state[at] && columns!.readyAt[at]! <= now) this.#remove(segment * SEGMENT_ENTRIES + at)
  }

  #add(entry: Entry, place: Place): void {
    const { now, takes } = this.#settings
    const { message, written } = entry
    const { id, revision } = message
    if (readyAt(message) <= now() || takes?.(message) === false) return
    if (this.#cancelled.has(id, revision) || this.#refused.has(id, written)) return
    let shown: number | undefined
    for (const slot of this.#sameKey(message)) {
      const [columns, at] = [this.#entries.columns(slot), atOf(slot)]
      if (columns.written[at] === written) return columns.setPlace(at, place)
      if (columns.state[at] === SHOWN) shown = slot
    }
    const slot = this.#entries.add(entry, place)
    if (shown === undefined) return this.#setState(slot, SHOWN)
    if (this.#written(shown) > written) return
    this.#setState(shown, HIDDEN)
    this.#setState(slot, SHOWN)
  }

  #refuse({ id, refused, readyAt: due }: Refusal): void {
    this.#refused.add({ id, revision: refused, due }, this.#settings.now())
    for (const slot of this.#entries.ofId(id)) if (this.#written(slot) === refused) this.#remove(slot)
  }

  /** The one that it has superseded counts again. */
  #remove(slot: number): void {
    const key = this.#key(slot)
    const wasShown = this.#state(slot) === SHOWN
    this.#entries.remove(slot)
    if (!wasShown) return
    let latest: number | undefined
    for (const other of this.#sameKey(key))
      if (latest === undefined || this.#written(other) > this.#written(latest)) latest = other
    if (latest !== undefined) this.#setState(latest, SHOWN)
  }

  /** The entries of a key. */
  #sameKey({ id, revision, attempt, destination }: Key): number[] {
    const text = destinationText(destination)
    return this.#entries.ofRevision(id, revision).filter((slot) => {
      const [columns, at] = [this.#entries.columns(slot), atOf(slot)]
      return columns.attempt[at] === attempt && this.#entries.destinations.at(columns.destination[at]!).text === text
    })
  }

  #key(slot: number): Key {
    const [columns, at] = [this.#entries.columns(slot), atOf(slot)]
    const { destination } = this.#entries.destinations.at(columns.destination[at]!)
    return {
      id: columns.id(at).toString(),
      revision: columns.revision[at]!,
      attempt: columns.attempt[at]!,
      destination,
    }
  }

  #matching(filter: WaitlistFilter): EntryFilter {
    return new EntryFilter(this.#entries, filter, this.#settings.now())
  }

  #isWaiting(slot: number, now: number): boolean {
    return this.#state(slot) === SHOWN && this.#entries.columns(slot).readyAt[atOf(slot)]! > now
  }

  #found(slot: number): FoundEntry {
    const [columns, at] = [this.#entries.columns(slot), atOf(slot)]
    return {
      id: columns.id(at).toString(),
      revision: columns.revision[at]!,
      written: columns.written[at]!,
      readyAt: columns.readyAt[at]!,
      place: columns.place(at),
    }
  }

  #listed(slot: number): ListedMessage {
    const { names, destinations } = this.#entries
    const [columns, at] = [this.#entries.columns(slot), atOf(slot)]
    return {
      id: columns.id(at).toString(),
      revision: columns.revision[at]!,
      attempt: columns.attempt[at]!,
      name: names.at(columns.name[at]!),
      destination: destinations.at(columns.destination[at]!).destination,
      dueAt: columns.readyAt[at]!,
    }
  }

  #revision(slot: number): number {
    return this.#entries.columns(slot).revision[atOf(slot)]!
  }

  #state(slot: number): number {
    return this.#entries.columns(slot).state[atOf(slot)]!
  }

  #setState(slot: number, state: number): void {
    this.#entries.columns(slot).state[atOf(slot)] = state
  }

  #written(slot: number): number {
    return this.#entries.columns(slot).written[atOf(slot)]!
  }
}

type Key = Pick<JournalledMessage, 'id' | 'revision' | 'attempt' | 'destination'>

import { fingerprintOf } from '../../base/fingerprint.js'
import { destinationText, type Destination } from '../../message/destination.js'
import { readyAt } from '../../message/delayed-message.js'
import type { Entry, Place } from '../journal-record.js'
import { Chains } from './chains.js'
import { checkColumns, EntryColumns, HIDDEN, SEGMENT_BITS, SEGMENT_ENTRIES } from './entry-columns.js'
import { Interned } from './interned.js'

const TWO_32 = 2 ** 32

export interface KnownDestination {
  readonly destination: Destination
  readonly text: string
}

/**
 * The entries of a journal in columns, without their bodies and headers. An entry is known by its slot, until it is removed
 * or moved. With ids of 40 bytes an entry takes about 125 bytes, also while a million of them grow.
 */
export class EntryStore {
  readonly names = new Interned<string>()
  readonly destinations = new Interned<KnownDestination>()
  /** By the upper bits of a slot. A number is used again after its segment is gone. */
  readonly #segments: (EntryColumns | undefined)[] = []
  readonly #free: number[] = []
  readonly #byId = new Chains(this.#segments, { next: 'nextOfId', previous: 'previousOfId' }, (slot) =>
    this.#hash(slot),
  )
  readonly #byKey = new Chains(this.#segments, { next: 'nextOfKey', previous: 'previousOfKey' }, (slot) =>
    this.#keyHash(slot),
  )
  /** The id that was hashed last, which is often the next one too. */
  #hashed = { id: '', hash: fingerprintOf('')[0]! >>> 0 }
  /** The segment that takes new entries. */
  #open = -1
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Of all columns and tables. */
  get bytes(): number {
    const columns = this.#segments.reduce((bytes, segment) => bytes + (segment?.bytes ?? 0), 0)
    return columns + this.#byId.bytes + this.#byKey.bytes
  }

  get segments(): readonly (EntryColumns | undefined)[] {
    return this.#segments
  }

  /** The columns of a slot, in which it has the place {@link atOf}. */
  columns(slot: number): EntryColumns {
    return this.#segments[slot >>> SEGMENT_BITS]!
  }

  /** Hidden at first. @throws Error if it cannot be kept */
  add({ message, written }: Entry, place: Place): number {
    const { id, name, destination, revision, attempt } = message
    const bytes = Buffer.from(id)
    checkColumns(bytes, attempt, place.line)
    const slot = this.#newSlot(bytes)
    const [columns, at] = [this.columns(slot), atOf(slot)]
    columns.state[at] = HIDDEN
    columns.readyAt[at] = readyAt(message)
    columns.revision[at] = revision
    columns.written[at] = written
    columns.attempt[at] = attempt
    columns.hash[at] = this.#hashOf(id)
    columns.setPlace(at, place)
    columns.name[at] = this.names.use(name, () => name)
    const text = destinationText(destination)
    columns.destination[at] = this.destinations.use(`${text}\0${destination.routingKey ?? '\0'}`, () => ({
      destination,
      text,
    }))
    this.#chain(slot)
    return slot
  }

  remove(slot: number): void {
    const [columns, at] = [this.columns(slot), atOf(slot)]
    this.names.release(columns.name[at]!)
    this.destinations.release(columns.destination[at]!)
    this.#drop(slot)
  }

  /** The slots of an id. */
  ofId(id: string): number[] {
    return this.#chained(this.#byId, this.#hashOf(id), id)
  }

  /** The slots of a revision of an id. */
  ofRevision(id: string, revision: number): number[] {
    const slots = this.#chained(this.#byKey, keyHash(this.#hashOf(id), revision), id)
    return slots.filter((slot) => this.columns(slot).revision[atOf(slot)] === revision)
  }

  /** Moves the entries of a segment that is mostly empty, so that it goes. */
  compact(segment: number): void {
    const columns = this.#segments[segment]
    if (!columns?.isFull || segment === this.#open || columns.size > SEGMENT_ENTRIES / 2) return
    for (let at = 0; at < columns.used; at++) if (columns.state[at]) this.#move(segment * SEGMENT_ENTRIES + at)
    this.#segments[segment] = undefined
    this.#free.push(segment)
  }

  #move(from: number): void {
    const [columns, at] = [this.columns(from), atOf(from)]
    const to = this.#newSlot(columns.id(at))
    this.columns(to).copy(atOf(to), columns, at)
    this.#chain(to)
    this.#drop(from)
  }

  #chained(chains: Chains, hash: number, id: string): number[] {
    const slots: number[] = []
    const bytes = Buffer.from(id)
    for (let slot = chains.first(hash); slot !== undefined; slot = chains.next(slot))
      if (this.columns(slot).hasId(atOf(slot), bytes)) slots.push(slot)
    return slots
  }

  #newSlot(id: Uint8Array): number {
    if (this.#segments[this.#open]?.isFull !== false) {
      this.#open = this.#free.pop() ?? this.#segments.length
      this.#segments[this.#open] = new EntryColumns()
    }
    this.#size++
    return this.#open * SEGMENT_ENTRIES + this.#segments[this.#open]!.add(id)
  }

  #chain(slot: number): void {
    this.#byId.add(slot)
    this.#byKey.add(slot)
  }

  #drop(slot: number): void {
    this.#byId.remove(slot)
    this.#byKey.remove(slot)
    this.columns(slot).remove(atOf(slot))
    this.#size--
  }

  /** Of an id. Nobody outside can make ids that are alike here. */
  #hashOf(id: string): number {
    if (id !== this.#hashed.id) this.#hashed = { id, hash: fingerprintOf(id)[0]! >>> 0 }
    return this.#hashed.hash
  }

  #hash(slot: number): number {
    return this.columns(slot).hash[atOf(slot)]!
  }

  #keyHash(slot: number): number {
    return keyHash(this.#hash(slot), this.columns(slot).revision[atOf(slot)]!)
  }
}

/** The place of a slot in its columns. */
export function atOf(slot: number): number {
  return slot % SEGMENT_ENTRIES
}

function keyHash(hash: number, revision: number): number {
  const mixed = Math.imul(hash ^ revision ^ (revision / TWO_32), 0x9e3779b1)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

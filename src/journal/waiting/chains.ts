import { SEGMENT_BITS, SEGMENT_ENTRIES, type EntryColumns } from './entry-columns.js'

/** Each grows alone: to build one anew takes less than a millisecond. */
const TABLE_BITS = 8
const LEAST_HEADS = 16
const NONE = 0

/** The columns that hold the links of one kind of chain. */
export interface Links {
  readonly next: 'nextOfId' | 'nextOfKey'
  readonly previous: 'previousOfId' | 'previousOfKey'
}

/**
 * Chains of slots whose hashes are alike. The links are in columns of the entries; the first slots are kept here. A slot
 * leaves its chain in the same short time, however long that is.
 */
export class Chains {
  readonly #segments: readonly (EntryColumns | undefined)[]
  readonly #links: Links
  readonly #hashOf: (slot: number) => number
  readonly #heads = Array.from({ length: 2 ** TABLE_BITS }, () => new Uint32Array(LEAST_HEADS))
  readonly #sizes = new Uint32Array(2 ** TABLE_BITS)

  /** @param segments of the entries, by the upper bits of their slots */
  constructor(segments: readonly (EntryColumns | undefined)[], links: Links, hashOf: (slot: number) => number) {
    this.#segments = segments
    this.#links = links
    this.#hashOf = hashOf
  }

  get bytes(): number {
    return this.#heads.reduce((bytes, heads) => bytes + heads.byteLength, 0)
  }

  /** Slots that may have this hash; also others. Undefined at the end of a chain. */
  first(hash: number): number | undefined {
    return slotOf(this.#headsOf(hash)[placeOf(hash, this.#headsOf(hash))]!)
  }

  next(slot: number): number | undefined {
    return slotOf(this.#column(slot, this.#links.next)[slot % SEGMENT_ENTRIES]!)
  }

  add(slot: number): void {
    const hash = this.#hashOf(slot)
    const table = tableOf(hash)
    if (++this.#sizes[table]! > this.#heads[table]!.length) this.#grow(table)
    this.#link(slot, this.#heads[table]!, hash)
  }

  remove(slot: number): void {
    const { next, previous } = this.#links
    const at = slot % SEGMENT_ENTRIES
    const [after, before] = [this.#column(slot, next)[at]!, this.#column(slot, previous)[at]!]
    const hash = this.#hashOf(slot)
    if (before === NONE) this.#headsOf(hash)[placeOf(hash, this.#headsOf(hash))] = after
    else this.#set(before, next, after)
    if (after !== NONE) this.#set(after, previous, before)
    this.#sizes[tableOf(hash)]!--
  }

  /** As the first of its chain. */
  #link(slot: number, heads: Uint32Array, hash: number): void {
    const { next, previous } = this.#links
    const place = placeOf(hash, heads)
    const after = heads[place]!
    this.#set(slot + 1, next, after)
    this.#set(slot + 1, previous, NONE)
    if (after !== NONE) this.#set(after, previous, slot + 1)
    heads[place] = slot + 1
  }

  #grow(table: number): void {
    const heads = new Uint32Array(this.#heads[table]!.length * 2)
    for (const head of this.#heads[table]!)
      for (let slot = slotOf(head); slot !== undefined;) {
        const next = this.next(slot)
        this.#link(slot, heads, this.#hashOf(slot))
        slot = next
      }
    this.#heads[table] = heads
  }

  #headsOf(hash: number): Uint32Array {
    return this.#heads[tableOf(hash)]!
  }

  /** @param link a slot and 1 */
  #set(link: number, column: Links['next' | 'previous'], value: number): void {
    this.#column(link - 1, column)[(link - 1) % SEGMENT_ENTRIES] = value
  }

  #column(slot: number, column: Links['next' | 'previous']): Uint32Array {
    return this.#segments[slot >>> SEGMENT_BITS]![column]
  }
}

function slotOf(link: number): number | undefined {
  return link === NONE ? undefined : link - 1
}

function tableOf(hash: number): number {
  return hash >>> (32 - TABLE_BITS)
}

function placeOf(hash: number, heads: Uint32Array): number {
  return hash & (heads.length - 1)
}

import type { Place } from '../journal-record.js'

/** So many entries. Segments that are small are cheap to move. */
export const SEGMENT_BITS = 12
export const SEGMENT_ENTRIES = 2 ** SEGMENT_BITS
/** Of an id, as AMQP has it. */
const MOST_ID_BYTES = 255
/** Of the place: the number of the stream has the other bits. */
const LINE_BITS = 28
/** From so many ids on, the length of the others can be foreseen. */
const SURE_FROM = 128

/** Of all columns. */
const COLUMN_BYTES = 4 * 8 + 10 * 4 + 1

const COPIED = ['state', 'readyAt', 'revision', 'written', 'attempt', 'name', 'destination', 'hash'] as const

/** What a slot holds. */
export const [FREE, HIDDEN, SHOWN] = [0, 1, 2]

/**
 * The columns of a segment of an index, in typed arrays: 73 bytes an entry, and its id. The garbage collector does not
 * look into them. Slots are used one after another and never again.
 */
export class EntryColumns {
  readonly state = new Uint8Array(SEGMENT_ENTRIES)
  /** Milliseconds since the epoch. */
  readonly readyAt = new Float64Array(SEGMENT_ENTRIES)
  readonly revision = new Float64Array(SEGMENT_ENTRIES)
  readonly written = new Float64Array(SEGMENT_ENTRIES)
  readonly #offset = new Float64Array(SEGMENT_ENTRIES)
  readonly attempt = new Uint32Array(SEGMENT_ENTRIES)
  readonly name = new Uint32Array(SEGMENT_ENTRIES)
  readonly destination = new Uint32Array(SEGMENT_ENTRIES)
  /** Of the id. */
  readonly hash = new Uint32Array(SEGMENT_ENTRIES)
  /** Chains of slots, each by its number in the whole index and 1; 0 ends a chain. */
  readonly nextOfId = new Uint32Array(SEGMENT_ENTRIES)
  readonly previousOfId = new Uint32Array(SEGMENT_ENTRIES)
  readonly nextOfKey = new Uint32Array(SEGMENT_ENTRIES)
  readonly previousOfKey = new Uint32Array(SEGMENT_ENTRIES)
  readonly #place = new Uint32Array(SEGMENT_ENTRIES)
  readonly #idAt = new Uint32Array(SEGMENT_ENTRIES)
  /** Each id behind its length. */
  #ids = Buffer.alloc(0)
  #idsEnd = 0
  /** Slots that were used. */
  used = 0
  /** Slots that hold an entry. */
  size = 0

  get isFull(): boolean {
    return this.used === SEGMENT_ENTRIES
  }

  /** The bytes that it takes. */
  get bytes(): number {
    return SEGMENT_ENTRIES * COLUMN_BYTES + this.#ids.byteLength
  }

  /** Takes the next slot, for an id. */
  add(id: Uint8Array): number {
    const at = this.used++
    this.size++
    this.#grow(id.byteLength + 1)
    this.#idAt[at] = this.#idsEnd
    this.#ids[this.#idsEnd] = id.byteLength
    // Faster than `set` for so few.
    for (let byte = 0; byte < id.byteLength; byte++) this.#ids[this.#idsEnd + 1 + byte] = id[byte]!
    this.#idsEnd += id.byteLength + 1
    return at
  }

  remove(at: number): void {
    this.state[at] = FREE
    this.size--
  }

  id(at: number): Buffer {
    const start = this.#idAt[at]!
    return this.#ids.subarray(start + 1, start + 1 + this.#ids[start]!)
  }

  hasId(at: number, id: Uint8Array): boolean {
    const start = this.#idAt[at]!
    return this.#ids[start] === id.byteLength && this.startsWith(at, id)
  }

  startsWith(at: number, prefix: Uint8Array): boolean {
    const start = this.#idAt[at]!
    return this.#ids[start]! >= prefix.byteLength && this.#isAt(start + 1, prefix)
  }

  /** Whether the id contains these bytes. No text is made for it: a search looks at every entry. */
  includes(at: number, part: Uint8Array): boolean {
    const start = this.#idAt[at]!
    const last = start + 1 + this.#ids[start]! - part.byteLength
    for (let from = start + 1; from <= last; from++) if (this.#isAt(from, part)) return true
    return false
  }

  place(at: number): Place {
    const place = this.#place[at]!
    return { stream: place >>> LINE_BITS, offset: this.#offset[at]!, line: place & (2 ** LINE_BITS - 1) }
  }

  setPlace(at: number, { stream, offset, line }: Place): void {
    this.#place[at] = (stream << LINE_BITS) | line
    this.#offset[at] = offset
  }

  /** Everything but the id and the chains. */
  copy(at: number, from: EntryColumns, fromAt: number): void {
    for (const column of COPIED) this[column][at] = from[column][fromAt]!
    this.setPlace(at, from.place(fromAt))
  }

  #isAt(from: number, bytes: Uint8Array): boolean {
    for (let byte = 0; byte < bytes.byteLength; byte++) if (this.#ids[from + byte] !== bytes[byte]) return false
    return true
  }

  /** The ids to come are about as long as those so far. */
  #grow(bytes: number): void {
    const needed = this.#idsEnd + bytes
    if (needed <= this.#ids.byteLength) return
    const [typical, times] = [needed / this.used, this.used < SURE_FROM ? this.used * 2 : SEGMENT_ENTRIES]
    const ids = Buffer.allocUnsafeSlow(
      Math.max(needed, Math.ceil(typical * times), Math.ceil(this.#ids.byteLength * 1.1)),
    )
    ids.set(this.#ids.subarray(0, this.#idsEnd))
    this.#ids = ids
  }
}

/** @throws Error for an entry that has no room in the columns */
export function checkColumns(id: Uint8Array, attempt: number, line: number): void {
  if (id.byteLength > MOST_ID_BYTES)
    throw new Error(`an id of ${id.byteLength} bytes: expected ${MOST_ID_BYTES} at most`)
  if (attempt >= 2 ** 32) throw new Error(`attempt ${attempt}: expected a number below 2^32`)
  if (line >= 2 ** LINE_BITS) throw new Error(`line ${line}: expected a number below 2^${LINE_BITS}`)
}

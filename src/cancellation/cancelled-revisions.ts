import { isInteger } from '../base/checks.js'
import { fingerprintOf, type Fingerprint } from '../base/fingerprint.js'
import { UNKNOWN_DUE } from '../log/horizons.js'
import type { CancellationRecord } from './cancellation-record.js'
import { RevisionTable, TWO_32 } from './revision-table.js'

/** Each grows alone: to build one anew takes a millisecond where one for all would take a hundred, and twice the memory. */
const TABLE_BITS = 6
const TABLES = 2 ** TABLE_BITS
/** {@link CancelledRevisions.forget} looks through so many. */
const FORGETS_IN = 8

/**
 * The content of the records that were read. Each is remembered until the grace after its due time is over. A million take
 * 59 MB. They are kept as fingerprints, outside of the heap. No record is removed by its first match, because
 * copies of a cancelled message may come later.
 */
export class CancelledRevisions {
  readonly #graceMs: number
  /**
   * By the fingerprint of an id, the revision below which all are cancelled; by that of an id and a revision together, that
   * it is cancelled.
   */
  readonly #tables = Array.from({ length: TABLES }, () => new RevisionTable())
  #size = 0
  /** The first of the tables of the next {@link forget}. */
  #next = 0

  constructor(graceMs: number) {
    this.#graceMs = graceMs
  }

  /** How many cancellations are remembered. */
  get size(): number {
    return this.#size
  }

  /**
   * The order in which records are added means nothing.
   *
   * @param writtenAt milliseconds since the epoch, by the clock of the canceller
   * @param now milliseconds since the epoch: a record whose time is over by then is left out
   */
  add(record: CancellationRecord, writtenAt: number, now = writtenAt): void {
    const { id, revision, due = writtenAt + UNKNOWN_DUE.ms } = record
    const until = Math.max(due, writtenAt) + this.#graceMs
    if (until < now) return
    const below = record.upTo !== undefined ? record.upTo + 1 : record.keep
    this.#put(toKey(fingerprintOf(id), revision), below ?? 1, until / 1000, now / 1000)
  }

  has(id: string, revision: number): boolean {
    if (this.#size === 0 || !isInteger(revision, 0)) return false
    const print = fingerprintOf(id)
    return revision < this.#get(toKey(print, undefined)) || this.#get(toKey(print, revision)) !== 0
  }

  /**
   * Forgets most of the records whose time is over at `now`. Each call looks through an eighth of the memory, so that none
   * takes long.
   */
  forget(now: number): void {
    for (let left = TABLES / FORGETS_IN; left > 0; left--) {
      const table = this.#tables[this.#next]!
      this.#size -= table.size
      table.forget(now / 1000)
      this.#size += table.size
      this.#next = (this.#next + 1) % TABLES
    }
  }

  #get(key: Fingerprint): number {
    return this.#tableOf(key).get(key)
  }

  #put(key: Fingerprint, revision: number, until: number, now: number): void {
    const table = this.#tableOf(key)
    this.#size -= table.size
    table.put(key, revision, until, now)
    this.#size += table.size
  }

  /** By other bits than a table goes by. */
  #tableOf(key: Fingerprint): RevisionTable {
    return this.#tables[key[2]! >>> (32 - TABLE_BITS)]!
  }
}

/**
 * Turns a fingerprint in place into the key of an id, and that into the key of one revision of it. One bit tells them apart. The
 * revision goes into the bits that choose a table and a slot, so that many revisions of one id do not crowd one place.
 */
function toKey(print: Int32Array, revision: number | undefined): Fingerprint {
  if (revision === undefined) print[1]! &= ~1
  else {
    print[1]! |= 1
    print[2]! ^= revision
    print[3]! ^= revision / TWO_32
  }
  return print
}

import type { DefinitionRecord } from '../recurring-definitions.js'
import { Tombstones } from './tombstones.js'

/** A present definition is written again when its last record is so old. */
const RENEWED_AFTER_MS = 30 * 86_400_000

/** The definitions of one id in a stream. */
interface Written {
  /** The greatest. */
  revision: number
  /** When a record of this revision was last written, in milliseconds since the epoch. */
  at: number
  /** The revision of the last record, which the stream forgets last. */
  last: number
}

/** Finds the records that a stream does not have, or would forget. It is given every record of the stream, in their order. */
export class Renewal {
  readonly #written = new Map<string, Written>()
  readonly #removed = new Tombstones()
  /** Removed ids behind whose removal an older record stands. */
  readonly #outlived = new Set<string>()

  add(record: DefinitionRecord, at: number): void {
    const { id, revision, definition } = record
    const removed = this.#removed.find(id)
    const written = this.#written.get(id)
    if (removed && revision <= removed.revision) {
      if (definition === undefined && revision === removed.revision) this.#outlived.delete(id)
      else this.#outlived.add(id)
    } else if (written && revision < written.revision) {
      written.last = revision
    } else if (definition === undefined) {
      this.#written.delete(id)
      this.#outlived.delete(id)
      this.#removed.add(record, at)
    } else {
      this.#removed.delete(id)
      this.#outlived.delete(id)
      const latest = written?.revision === revision ? Math.max(written.at, at) : at
      this.#written.set(id, { revision, at: latest, last: revision })
    }
  }

  /**
   * The records to write again.
   *
   * @param present every definition that is known
   * @param now milliseconds since the epoch
   */
  *missing(present: Iterable<DefinitionRecord>, now: number): Generator<DefinitionRecord> {
    for (const record of present) {
      const { id, revision } = record
      const written = this.#written.get(id)
      const last = written?.revision ?? this.#removed.find(id)?.revision ?? -1
      if (last < revision) yield record
      else if (written?.revision !== revision) continue
      else if (written.at <= now - RENEWED_AFTER_MS || written.last < revision) yield record
    }
    // Otherwise the stream would forget the removal before an older definition, which would count again.
    for (const id of this.#outlived) {
      const removal = this.#removed.find(id)
      if (removal) yield removal
    }
  }
}

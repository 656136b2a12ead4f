import type { DefinitionRecord } from '../recurring-definitions.js'

/** A present definition is written again when its last record is so old. */
const RENEWED_AFTER_MS = 30 * 86_400_000

/** The records of one id in a stream. */
interface Written {
  /** The greatest, and whether the id is removed by it. */
  revision: number
  isRemoved: boolean
  /** When a record of this revision was last written, in milliseconds since the epoch. */
  at: number
  /** The revision of the last record, which the stream forgets last. */
  last: number
}

/** Finds the records that a stream does not have, or would forget. It is given every record of the stream, in their order. */
export class Renewal {
  readonly #written = new Map<string, Written>()

  add({ id, revision, definition }: DefinitionRecord, at: number): void {
    const isRemoved = definition === undefined
    const known = this.#written.get(id)
    if (!known || revision > known.revision) {
      this.#written.set(id, { revision, isRemoved, at, last: revision })
      return
    }
    known.last = revision
    if (revision < known.revision) return
    known.isRemoved ||= isRemoved
    known.at = Math.max(known.at, at)
  }

  /**
   * The records to write again.
   *
   * @param present every definition that is known
   * @param now milliseconds since the epoch
   */
  *missing(present: Iterable<DefinitionRecord>, now: number): Generator<DefinitionRecord> {
    for (const record of present) {
      const written = this.#written.get(record.id)
      if (!written || written.revision < record.revision) yield record
      else if (written.revision > record.revision || written.isRemoved) continue
      else if (written.at <= now - RENEWED_AFTER_MS || written.last < written.revision) yield record
    }
    // Otherwise the stream would forget the removal before an older definition, which would count again.
    for (const [id, { revision, isRemoved, last }] of this.#written)
      if (isRemoved && last < revision) yield { id, revision, definition: undefined }
  }
}

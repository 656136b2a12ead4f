import {
  replaces,
  type DefinitionRecord,
  type DefinitionsPage,
  type DefinitionsQuery,
} from '../recurring-definitions.js'
import { SortedIds } from './sorted-ids.js'
import { Tombstones } from './tombstones.js'

/** Records of definitions in memory: of each id the one that counts, whatever the order in which they come. */
export class DefinitionTable {
  readonly #present = new Map<string, DefinitionRecord>()
  readonly #removed = new Tombstones()
  readonly #ids = new SortedIds(this.#present)

  /**
   * @param at when it was written, in milliseconds since the epoch
   * @returns the record of its id until now
   */
  add(record: DefinitionRecord, at: number): DefinitionRecord | undefined {
    const { id, definition } = record
    const before = this.find(id)
    if (!replaces(record, before)) return before
    if (definition === undefined) {
      this.#present.delete(id)
      this.#removed.add(record, at)
    } else {
      this.#removed.delete(id)
      if (before?.definition === undefined) this.#ids.added(id)
      this.#present.set(id, record)
    }
    return before
  }

  /** Also that of a removed id. */
  find(id: string): DefinitionRecord | undefined {
    return this.#present.get(id) ?? this.#removed.find(id)
  }

  present(id: string): DefinitionRecord | undefined {
    return this.#present.get(id)
  }

  page({ idPrefix, after, limit }: DefinitionsQuery): DefinitionsPage {
    const ids = this.#ids.page(idPrefix, after, limit + 1)
    const records = ids.slice(0, limit).map((id) => this.#present.get(id)!)
    return { records, next: ids.length > limit ? records.at(-1)!.id : undefined }
  }

  /** In no order, without removed ones. */
  all(): IterableIterator<DefinitionRecord> {
    return this.#present.values()
  }

  /** Of present records. */
  get size(): number {
    return this.#present.size
  }
}

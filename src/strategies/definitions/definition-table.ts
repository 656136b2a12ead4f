import type { DefinitionRecord } from '../recurring-definitions.js'

/** A removed id is remembered for so long: as long as a stream keeps a record. */
export const REMEMBERED_MS = 90 * 86_400_000

/** Records of definitions in memory: of each id the one that counts, whatever the order in which they come. */
export class DefinitionTable {
  readonly #present = new Map<string, DefinitionRecord>()
  /** The first removed one first. */
  readonly #removed = new Map<string, { readonly record: DefinitionRecord; readonly at: number }>()

  /** @param at when it was written, in milliseconds since the epoch */
  add(record: DefinitionRecord, at: number): void {
    const { id, definition } = record
    if (!replaces(record, this.find(id))) return
    this.#removed.delete(id)
    if (definition !== undefined) return void this.#present.set(id, record)
    this.#present.delete(id)
    this.#removed.set(id, { record, at })
    this.#forget(at)
  }

  /** Also that of a removed id. */
  find(id: string): DefinitionRecord | undefined {
    return this.#present.get(id) ?? this.#removed.get(id)?.record
  }

  present(id: string): DefinitionRecord | undefined {
    return this.#present.get(id)
  }

  /** In no order, without removed ones. */
  all(): IterableIterator<DefinitionRecord> {
    return this.#present.values()
  }

  /** Of present records. */
  get size(): number {
    return this.#present.size
  }

  #forget(now: number): void {
    for (const [id, { at }] of this.#removed) {
      if (at > now - REMEMBERED_MS) return
      this.#removed.delete(id)
    }
  }
}

/** Whether a record counts instead of a known one of its id. Of equal revisions a removal counts. */
function replaces({ revision, definition }: DefinitionRecord, known: DefinitionRecord | undefined): boolean {
  if (known === undefined || revision > known.revision) return true
  return revision === known.revision && definition === undefined && known.definition !== undefined
}

import type { DefinitionRecord } from '../recurring-definitions.js'

/** A removed id is remembered for so long. A record that was delayed, or is of a clock that is behind, comes long before. */
export const REMEMBERED_MS = 86_400_000
/** About 20 MB. */
const MOST = 100_000

/** Removed ids with their revisions: so that an older record that comes later does not bring a definition back. */
export class Tombstones {
  /** The first removed one first. */
  readonly #removed = new Map<string, { readonly revision: number; readonly at: number }>()
  readonly #most: number

  constructor(most = MOST) {
    this.#most = most
  }

  get size(): number {
    return this.#removed.size
  }

  /** @param at when it was removed, in milliseconds since the epoch */
  add({ id, revision }: DefinitionRecord, at: number): void {
    this.#removed.delete(id)
    this.#removed.set(id, { revision, at })
    this.#forget(at)
  }

  find(id: string): DefinitionRecord | undefined {
    const found = this.#removed.get(id)
    return found && { id, revision: found.revision, definition: undefined }
  }

  delete(id: string): void {
    this.#removed.delete(id)
  }

  #forget(now: number): void {
    for (const [id, { at }] of this.#removed) {
      if (at > now - REMEMBERED_MS && this.#removed.size <= this.#most) return
      this.#removed.delete(id)
    }
  }
}

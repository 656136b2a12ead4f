import { destinationFits, type WaitlistFilter } from '../../strategies/waiting-view.js'
import { SHOWN, type EntryColumns } from './entry-columns.js'
import type { EntryStore } from './entry-store.js'

/** The entries that are shown, wait at an instant, and fit a filter. */
export class EntryFilter {
  readonly #entries: EntryStore
  readonly #after: number
  readonly #from: number
  readonly #before: number
  /** Undefined if every name fits. */
  readonly #names: ReadonlySet<number> | undefined
  readonly #destinations: ReadonlySet<number> | undefined
  readonly #prefix: IdText
  readonly #part: IdText

  constructor(entries: EntryStore, { from = -Infinity, to = Infinity, ...filter }: WaitlistFilter, now: number) {
    const { name, destination, idPrefix = '', idPart = '' } = filter
    this.#entries = entries
    this.#after = now
    this.#from = from
    this.#before = to
    this.#names = name === undefined ? undefined : entries.names.matching((other) => other === name)
    this.#destinations =
      destination && entries.destinations.matching((other) => destinationFits(destination, other.destination))
    this.#prefix = idText(idPrefix)
    this.#part = idText(idPart)
  }

  /** @param visit called with the columns of each entry and its place in them, and its slot */
  forEach(visit: (columns: EntryColumns, at: number, segment: number) => void): void {
    if (this.#names?.size === 0 || this.#destinations?.size === 0) return
    for (const [segment, columns] of this.#entries.segments.entries())
      for (let at = 0; at < (columns?.used ?? 0); at++) if (this.#fits(columns!, at)) visit(columns!, at, segment)
  }

  #fits(columns: EntryColumns, at: number): boolean {
    if (columns.state[at] !== SHOWN) return false
    const readyAt = columns.readyAt[at]!
    if (readyAt <= this.#after || readyAt < this.#from || readyAt >= this.#before) return false
    if (this.#names?.has(columns.name[at]!) === false) return false
    if (this.#destinations?.has(columns.destination[at]!) === false) return false
    const { text: prefix, bytes: prefixBytes } = this.#prefix
    const begins = prefixBytes ? columns.startsWith(at, prefixBytes) : columns.id(at).toString().startsWith(prefix)
    if (!begins) return false
    const { text: part, bytes: partBytes } = this.#part
    return partBytes ? columns.includes(at, partBytes) : columns.id(at).toString().includes(part)
  }
}

interface IdText {
  readonly text: string
  /** Undefined if half of a surrogate pair is in it, which has no bytes. */
  readonly bytes: Uint8Array | undefined
}

function idText(text: string): IdText {
  const bytes = Buffer.from(text)
  return { text, bytes: bytes.toString() === text ? bytes : undefined }
}

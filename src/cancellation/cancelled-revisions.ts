import { UNKNOWN_DUE } from './horizons.js'
import type { CancellationRecord } from './record.js'

/** What the records that were read say, until their time is over: of each record the latest due time and the grace. */
export class CancelledRevisions {
  readonly #graceMs: number
  /** By id: every revision below `below` is cancelled. */
  readonly #below = new Map<string, { below: number; until: number }>()
  readonly #exact = new Map<string, number>()

  constructor(graceMs: number) {
    this.#graceMs = graceMs
  }

  /** How many cancellations are remembered. */
  get size(): number {
    return this.#below.size + this.#exact.size
  }

  /** @param writtenAt milliseconds since the epoch */
  add(record: CancellationRecord, writtenAt: number): void {
    const { id, due = writtenAt + UNKNOWN_DUE.ms } = record
    const until = Math.max(due, writtenAt) + this.#graceMs
    if (record.revision !== undefined) {
      const key = `${id} ${record.revision}`
      this.#exact.set(key, Math.max(until, this.#exact.get(key) ?? 0))
      return
    }
    const below = record.upTo !== undefined ? record.upTo + 1 : record.keep
    const known = this.#below.get(id) ?? { below: 0, until: 0 }
    this.#below.set(id, { below: Math.max(below, known.below), until: Math.max(until, known.until) })
  }

  has(id: string, revision: number): boolean {
    if (this.size === 0) return false
    return revision < (this.#below.get(id)?.below ?? 0) || this.#exact.has(`${id} ${revision}`)
  }

  /** Forgets the records whose time is over at `now`. */
  forget(now: number): void {
    for (const [id, { until }] of this.#below) if (until < now) this.#below.delete(id)
    for (const [key, until] of this.#exact) if (until < now) this.#exact.delete(key)
  }
}

import { readInteger, readText, HEADER } from '../../message/headers.js'
import type { Arrived } from '../../message/envelope.js'

/** Beside the batches that are open, so many are remembered. */
const MOST_CLOSED = 1000

/**
 * What has become of the items of a batch, by their places. It outlives a delivery of the batch: after a lost connection the
 * batch comes again whole, and the memory of duplicates may have forgotten items that were handled long before their slowest
 * neighbour. An item that was published singly is not among the duplicates at all.
 */
export class Progress {
  #settled: Set<number> | 'all' = new Set()
  /** Items that are being published singly, each with whether that succeeded. */
  readonly leaving = new Map<number, Promise<boolean>>()

  /** Whether nothing is settled, and nothing on its way. */
  get isFresh(): boolean {
    return this.#settled !== 'all' && this.#settled.size === 0 && this.leaving.size === 0
  }

  isSettled(place: number): boolean {
    return this.#settled === 'all' || this.#settled.has(place)
  }

  settle(place: number): void {
    if (this.#settled !== 'all') this.#settled.add(place)
  }

  /** All is settled. Takes little memory from now on. */
  end(): void {
    this.#settled = 'all'
  }
}

type Identified = Pick<Arrived, 'properties' | 'headers'>

/** Remembers the progress of batches, the latest deliveries longest. */
export class ProgressMemory {
  readonly #known = new Map<string, Progress>()

  /** Whether the batch came before. */
  knows(batch: Identified): boolean {
    const key = keyOf(batch)
    return key !== undefined && this.#known.has(key)
  }

  /** @param open how many batches may be open at a time */
  of(batch: Identified, open: number): Progress {
    const key = keyOf(batch)
    if (key === undefined) return new Progress()
    const progress = this.#known.get(key) ?? new Progress()
    // Behind the others: the first is always the one whose delivery is the longest ago.
    this.#known.delete(key)
    this.#known.set(key, progress)
    for (const [oldest] of this.#known) {
      // A change of the prefetch may have twice as many open for a moment.
      if (this.#known.size <= 2 * open + MOST_CLOSED) break
      this.#known.delete(oldest)
    }
    return progress
  }
}

function keyOf({ properties, headers }: Identified): string | undefined {
  const [id, revision] = [readText(properties['messageId']), readInteger(headers[HEADER.revision])]
  return id === undefined || revision === undefined ? undefined : `${id}\0${revision}`
}

import { readInteger, readText, HEADER } from '../../message/headers.js'
import type { Arrived } from '../../message/envelope.js'

/** Beside twice as many as may be open, so many batches are remembered. */
const MOST_CLOSED = 1000

/**
 * What has become of the items of a batch, by their places. It outlives a delivery of the batch: after a lost connection the
 * batch comes again whole, and the memory of duplicates may have forgotten items that were handled long before their slowest
 * neighbour. An item that was published singly is not among the duplicates at all.
 */
export class Progress {
  /** That are open. While there are any, it is not forgotten. */
  deliveries = 0
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

/** Remembers the progress of batches: of open ones, and of the others the latest deliveries. */
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
    // A change of the prefetch may have twice as many open for a moment.
    this.#forget(2 * open + MOST_CLOSED - 1)
    this.#known.set(key, progress)
    return progress
  }

  /** A batch with a slow item may be open long after others that came later. */
  #forget(most: number): void {
    for (const [oldest, { deliveries }] of this.#known) {
      if (this.#known.size <= most) return
      if (deliveries === 0) this.#known.delete(oldest)
    }
  }
}

function keyOf({ properties, headers }: Identified): string | undefined {
  const [id, revision] = [readText(properties['messageId']), readInteger(headers[HEADER.revision])]
  return id === undefined || revision === undefined ? undefined : `${id}\0${revision}`
}

import { OpenBatch } from './open-batch.js'

/** The batches that take further items, one for each key. */
export class OpenBatches {
  /** The oldest first. */
  readonly #open = new Map<string, OpenBatch>()

  get size(): number {
    return this.#open.size
  }

  get(key: string): OpenBatch | undefined {
    return this.#open.get(key)
  }

  open(key: string, now: number): OpenBatch {
    const batch = new OpenBatch(key, now)
    this.#open.set(key, batch)
    return batch
  }

  /** From now on it takes no more. */
  close(batch: OpenBatch): OpenBatch {
    this.#open.delete(batch.key)
    return batch
  }

  /** Closes the oldest one, if it was opened at that time or before. */
  closeOpenedBy(time: number): OpenBatch | undefined {
    const [oldest] = this.#open.values()
    return oldest && oldest.openedAt <= time ? this.close(oldest) : undefined
  }

  /** Closes the one with the most items; of several, the oldest. */
  closeFullest(): OpenBatch | undefined {
    let fullest: OpenBatch | undefined
    for (const batch of this.#open.values()) if (!fullest || batch.items.length > fullest.items.length) fullest = batch
    return fullest && this.close(fullest)
  }
}

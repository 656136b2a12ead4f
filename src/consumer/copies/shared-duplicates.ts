import type { Clock } from '../../base/clock.js'
import { Duplicates, type DuplicateWindow } from './duplicates.js'

/**
 * The memories of one connection's consumers, by queue and window. Consumers of a queue share one, and a later consumer
 * finds it. Without a consumer it is kept in as little memory as it needs, until its window is over.
 */
export class SharedDuplicates {
  readonly #clock: Clock
  readonly #memories = new Map<string, Memory>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** For one more consumer, which calls {@link leave} when it has closed. */
  join(queue: string, window: DuplicateWindow): Duplicates {
    this.#forgetUnused()
    const key = keyOf(queue, window)
    const memory = this.#memories.get(key) ?? { duplicates: new Duplicates(window), consumers: 0 }
    memory.consumers++
    this.#memories.set(key, memory)
    return memory.duplicates
  }

  leave(queue: string, window: DuplicateWindow): void {
    const memory = this.#memories.get(keyOf(queue, window))
    if (memory && --memory.consumers === 0) memory.duplicates.compact()
    this.#forgetUnused()
  }

  /** How many memories are kept. */
  get size(): number {
    return this.#memories.size
  }

  #forgetUnused(): void {
    const now = this.#clock.monotonic()
    for (const [key, { duplicates, consumers }] of this.#memories)
      if (consumers === 0 && duplicates.isEmpty(now)) this.#memories.delete(key)
  }
}

interface Memory {
  readonly duplicates: Duplicates
  consumers: number
}

function keyOf(queue: string, { windowMs, maxEntries }: DuplicateWindow): string {
  return JSON.stringify([queue, windowMs, maxEntries])
}

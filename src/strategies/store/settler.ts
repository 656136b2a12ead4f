import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../../base/backoff.js'
import { Batches } from './batches.js'
import type { Claimed, Store } from './store.js'

interface SettlerEnvironment {
  failed: (error: unknown) => void
  /** Aborted when there is no more time to try again. */
  stopping: AbortSignal
}

/** Settles what was delivered, as many at a time as are confirmed while the store is busy with those before. */
export class Settler {
  readonly #store: Store
  readonly #environment: SettlerEnvironment
  readonly #batches = new Batches<Claimed>((batch) => this.#run(batch))

  constructor(store: Store, environment: SettlerEnvironment) {
    this.#store = store
    this.#environment = environment
  }

  /** Resolves when it is gone from the store, or left there to be delivered twice because time was up. Never rejects. */
  settle(claimed: Claimed): Promise<void> {
    return this.#batches.add(claimed)
  }

  async #run(batch: readonly Claimed[]): Promise<void> {
    const { failed, stopping } = this.#environment
    for (let failures = 1; ; failures++) {
      try {
        return await this.#store.settle(batch)
      } catch (error) {
        failed(error)
        if (stopping.aborted) return
        await pause(backoff(failures), undefined, { signal: stopping }).catch(() => undefined)
      }
    }
  }
}

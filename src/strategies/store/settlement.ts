import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../../base/backoff.js'
import { Batcher } from './batcher.js'
import type { ClaimedMessage, MessageStore } from './message-store.js'

interface SettlementEnvironment {
  failed: (error: unknown) => void
  /** Aborted when there is no more time to try again. */
  stopping: AbortSignal
}

/** Settles delivered messages, in batches of those that are confirmed while the store is busy with the batch before. */
export class Settlement {
  readonly #store: MessageStore
  readonly #environment: SettlementEnvironment
  readonly #batches = new Batcher<ClaimedMessage>((batch) => this.#run(batch))

  constructor(store: MessageStore, environment: SettlementEnvironment) {
    this.#store = store
    this.#environment = environment
  }

  /** Resolves when it is gone from the store, or left there to be delivered twice because time was up. Never rejects. */
  settle(claimed: ClaimedMessage): Promise<void> {
    return this.#batches.add(claimed)
  }

  async #run(batch: readonly ClaimedMessage[]): Promise<void> {
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

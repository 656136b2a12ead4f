import type { Timeline } from '../../base/clock.js'
import { CancelledRevisions } from '../../cancellation/cancelled-revisions.js'
import { GRACE_MS } from '../../log/horizons.js'
import type { CancellationRecord } from '../../cancellation/cancellation-record.js'
import type { Envelope } from '../../message/envelope.js'
import type { Cancellations } from '../cancellations.js'

/** A log of cancellations that every consumer has read at once. It remembers a record for at least a day after its due time. */
export class MemoryCancellations implements Cancellations {
  readonly #clock: Timeline
  readonly #cancelled = new CancelledRevisions(GRACE_MS)

  constructor(clock: Timeline) {
    this.#clock = clock
  }

  write(record: CancellationRecord): Promise<void> {
    const now = this.#clock.now()
    this.#cancelled.forget(now)
    this.#cancelled.add(record, now)
    return Promise.resolve()
  }

  isCancelled({ id, revision }: Pick<Envelope, 'id' | 'revision'>): boolean {
    return id !== undefined && revision !== undefined && this.#cancelled.has(id, revision)
  }
}

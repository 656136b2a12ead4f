import type { Timeline } from '../../base/clock.js'
import { CancelledRevisions } from '../../cancellation/cancelled-revisions.js'
import { GRACE_MS } from '../../cancellation/horizons.js'
import type { CancellationRecord } from '../../cancellation/record.js'
import type { Envelope } from '../../message/envelope.js'
import type { Cancellations } from '../cancellations.js'

/** How often the records whose time is over are looked for. */
const FORGET_EVERY_MS = 60_000

/** A log of cancellations that every consumer has read at once. It remembers a record for a day after its due time. */
export class MemoryCancellations implements Cancellations {
  readonly #clock: Timeline
  readonly #cancelled = new CancelledRevisions(GRACE_MS)
  #forgottenAt = -Infinity

  constructor(clock: Timeline) {
    this.#clock = clock
  }

  write(record: CancellationRecord): Promise<void> {
    this.#forget()
    this.#cancelled.add(record, this.#clock.now())
    return Promise.resolve()
  }

  isCancelled({ id, revision }: Pick<Envelope, 'id' | 'revision'>): boolean {
    if (id === undefined || revision === undefined) return false
    this.#forget()
    return this.#cancelled.has(id, revision)
  }

  #forget(): void {
    const now = this.#clock.now()
    if (now - this.#forgottenAt < FORGET_EVERY_MS) return
    this.#forgottenAt = now
    this.#cancelled.forget(now)
  }
}

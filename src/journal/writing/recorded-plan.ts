import type { Frame } from '../../amqp/publish/frame-builder.js'
import type { PublishPlan } from '../../amqp/publish/publication.js'

/** A record that is on its way. */
export interface WrittenEntry {
  readonly written: number
  /** Handled: nobody has to wait for it. */
  readonly confirmed: Promise<void>
}

/**
 * Publishes a message by its own plan, and writes its record as the message first goes out: a message that is never sent has
 * no record.
 */
export class RecordedPlan implements PublishPlan {
  readonly #plan: PublishPlan
  readonly #untilReady: () => Promise<void> | undefined
  readonly #write: () => WrittenEntry
  #entry: WrittenEntry | undefined

  /**
   * @param untilReady undefined if a record can be written at once
   * @param write called once
   */
  constructor(plan: PublishPlan, untilReady: () => Promise<void> | undefined, write: () => WrittenEntry) {
    this.#plan = plan
    this.#untilReady = untilReady
    this.#write = write
  }

  get entry(): WrittenEntry | undefined {
    return this.#entry
  }

  prepare(): Frame | Promise<void> {
    const prepared = this.#plan.prepare()
    if (this.#entry) return prepared
    const ready = this.#untilReady()
    // Side by side: each may declare queues, whose confirms are held for a while.
    if ('then' in prepared) return ready ? Promise.all([prepared, ready]).then(() => undefined) : prepared
    if (ready) return ready
    this.#entry = this.#write()
    return prepared
  }

  safeAt(): number {
    return this.#plan.safeAt()
  }
}

import { DuequeError } from '../base/errors.js'
import { fits, type JournalledMessage, type WaitingView, type WaitlistFilter } from '../strategies/waiting-view.js'
import { JournalReading, type OnRecords } from './journal-reading.js'
import type { JournalSource } from './journal-source.js'
import { WaitingIndex } from './waiting-index.js'

/** The waiting messages of a namespace, by its journal and its log of cancellations. */
export class JournalView implements WaitingView {
  readonly #source: JournalSource
  readonly #onRecords: OnRecords | undefined
  readonly #closing = new AbortController()

  constructor(source: JournalSource, onRecords?: OnRecords) {
    this.#source = source
    this.#onRecords = onRecords
  }

  find(id: string): Promise<readonly JournalledMessage[]> {
    return this.#replay(
      (message) => message.id === id,
      (index) => index.find(id),
    )
  }

  list(filter: WaitlistFilter, page: Parameters<WaitingView['list']>[1]): Promise<readonly JournalledMessage[]> {
    return this.#replay(matching(filter), (index) => index.list(filter, page))
  }

  count(filter: WaitlistFilter): Promise<number> {
    return this.#replay(matching(filter), (index) => index.count(filter))
  }

  countBy(filter: WaitlistFilter, spanMs: number): ReturnType<WaitingView['countBy']> {
    return this.#replay(matching(filter), (index) => index.countBy(filter, spanMs))
  }

  /**
   * Visits every waiting message that fits, one after another, in no order.
   *
   * @throws what `visit` throws
   */
  forEach(filter: WaitlistFilter, visit: (message: JournalledMessage) => Promise<void> | void): Promise<void> {
    return this.#replay(matching(filter), async (index) => {
      for (const message of index.all(filter)) await visit(message)
    })
  }

  /** Questions that are under way fail with `CLOSED`. */
  close(): Promise<void> {
    this.#closing.abort()
    return Promise.resolve()
  }

  /** Reads the streams from their beginning, and answers. */
  async #replay<T>(
    takes: (message: JournalledMessage) => boolean,
    answer: (index: WaitingIndex) => T | Promise<T>,
  ): Promise<T> {
    const { signal: closing } = this.#closing
    if (closing.aborted) throw new DuequeError('CLOSED', 'the journal is closed', {})
    const source = this.#source
    const index = new WaitingIndex({ now: () => source.now(), graceMs: source.graceMs, takes })
    const { connection, release } = await source.connect()
    try {
      const reading = await JournalReading.open({ source, connection, intake: index, onRecords: this.#onRecords, closing })
      try {
        await reading.reached()
      } finally {
        await reading.close()
      }
      return await answer(index)
    } finally {
      await release()
    }
  }
}

function matching(filter: WaitlistFilter): (message: JournalledMessage) => boolean {
  return (message) => fits(filter, message)
}

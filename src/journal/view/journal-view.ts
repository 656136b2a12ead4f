import { closeInTime } from '../../amqp/connection/close-in-time.js'
import { DuequeError } from '../../base/errors.js'
import type { JournalHealth } from '../../health.js'
import {
  fits,
  type JournalledMessage,
  type ListedMessage,
  type WaitingView,
  type WaitlistFilter,
} from '../../strategies/waiting-view.js'
import type { OnRecords } from '../reading/journal-reading.js'
import type { JournalSource } from '../reading/journal-source.js'
import { wholeMessages, type AskedIndex } from './open-index.js'
import { Replays, type Question } from './replays.js'
import { RunningIndex } from './running-index.js'

export interface JournalViewOptions {
  /** The most entries of an index that stays; 0 for none: then each question reads the journal. */
  maxEntries: number
  onRecords?: OnRecords | undefined
}

/** The waiting messages of a namespace, by its journal and its log of cancellations. */
export class JournalView implements WaitingView {
  readonly #closing = new AbortController()
  readonly #replays: Replays
  readonly #index: RunningIndex | undefined

  constructor(source: JournalSource, { maxEntries, onRecords }: JournalViewOptions) {
    const { signal: closing } = this.#closing
    this.#replays = new Replays(source, closing, onRecords)
    this.#index = maxEntries > 0 ? new RunningIndex({ source, maxEntries, onRecords, closing }) : undefined
  }

  find(id: string): Promise<readonly JournalledMessage[]> {
    return this.#ask({ id, isApart: false, answer: (asked) => wholeMessages(asked, (index) => index.find(id)) })
  }

  list(filter: WaitlistFilter, page: Parameters<WaitingView['list']>[1]): Promise<readonly JournalledMessage[]> {
    return this.#ask(about(filter, (asked) => wholeMessages(asked, (index) => index.list(filter, page))))
  }

  listShort(filter: WaitlistFilter, page: Parameters<WaitingView['list']>[1]): Promise<readonly ListedMessage[]> {
    return this.#ask(about(filter, ({ index }) => index.listShort(filter, page)))
  }

  count(filter: WaitlistFilter): Promise<number> {
    return this.#ask(about(filter, ({ index }) => index.count(filter)))
  }

  countBy(filter: WaitlistFilter, spanMs: number): ReturnType<WaitingView['countBy']> {
    return this.#ask(about(filter, ({ index }) => index.countBy(filter, spanMs)))
  }

  countByDestination(): ReturnType<WaitingView['countByDestination']> {
    return this.#ask(about({}, ({ index }) => index.countByDestination()))
  }

  /**
   * Visits every waiting message that fits, one after another, in no order.
   *
   * @throws what `visit` throws
   */
  forEach(filter: WaitlistFilter, visit: (message: JournalledMessage) => Promise<void> | void): Promise<void> {
    const visitAll = async ({ index, messages }: AskedIndex) => {
      for (const [stream, { first, last }] of index.ranges())
        for await (const [entry, place] of messages.all(stream, first, last))
          if (fits(filter, entry.message) && index.isWaiting(entry, place)) await visit(entry.message)
    }
    // It sees the headers itself.
    return this.#ask({ ...about(filter, visitAll), isApart: false })
  }

  /** The index that stays, as it is now. Undefined without one. */
  health(): JournalHealth | undefined {
    return this.#index && { state: this.#index.state, entries: this.#index.size }
  }

  /** Questions that are under way fail with `CLOSED`. */
  async close(): Promise<void> {
    this.#closing.abort()
    await closeInTime(Promise.all([this.#index?.close(), this.#replays.settled()]))
  }

  async #ask<T>(question: Question<T>): Promise<T> {
    if (this.#closing.signal.aborted) throw new DuequeError('CLOSED', 'the journal is closed', {})
    const asked = question.isApart ? undefined : await this.#index?.ask()
    return asked ? question.answer(asked) : this.#replays.ask(question)
  }
}

/** An entry of another time is taken as well, because it may supersede one that fits. */
function about<T>(filter: WaitlistFilter, answer: Question<T>['answer']): Question<T> {
  const atAnyTime = { ...filter, from: undefined, to: undefined }
  return { takes: (message) => fits(atAnyTime, message), isApart: filter.headers !== undefined, answer }
}

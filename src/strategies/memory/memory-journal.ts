import type { Timeline } from '../../base/clock.js'
import type { ResolvedJournal } from '../../journal/journal-options.js'
import { readyAt, type DelayedMessage } from '../../message/delayed-message.js'
import type { JournalledMessage, WaitingView } from '../waiting-view.js'
import { memoryView } from './memory-view.js'

/** A journal that every reader has read at once. */
export class MemoryJournal {
  /** The messages that wait, are not due and not cancelled, as far as they were {@link noted}. */
  readonly view: WaitingView
  readonly #options: ResolvedJournal
  readonly #clock: Timeline
  readonly #noted = new WeakSet<DelayedMessage>()

  /** @param waiting the waiting messages, without cancelled ones */
  constructor(options: ResolvedJournal, clock: Timeline, waiting: () => readonly DelayedMessage[]) {
    this.#options = options
    this.#clock = clock
    this.view = memoryView(() =>
      waiting().flatMap((message) =>
        this.#noted.has(message) && this.#delayMs(message) > 0 ? [this.#shown(message)] : [],
      ),
    )
  }

  /** Called with each message before it waits. */
  note(message: DelayedMessage): void {
    const delayMs = this.#delayMs(message)
    if (delayMs > 0 && delayMs >= this.#options.minDelayMs) this.#noted.add(message)
  }

  #delayMs(message: DelayedMessage): number {
    return readyAt(message) - this.#clock.now()
  }

  #shown(message: DelayedMessage): JournalledMessage {
    return this.#options.bodies ? message : { ...message, body: undefined }
  }
}

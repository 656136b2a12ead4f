import { SharedWork } from '../../base/shared-work.js'
import type { JournalledMessage } from '../../strategies/waiting-view.js'
import type { OnRecords } from '../reading/journal-reading.js'
import type { JournalSource } from '../reading/journal-source.js'
import { openIndex, type AskedIndex } from './open-index.js'

/** A question about the waiting messages. */
export interface Question<T> {
  /** The messages that it is about, by their id or what `takes` says: a replay leaves out the others. */
  readonly id?: string
  readonly takes?: (message: JournalledMessage) => boolean
  /** Whether the index cannot tell these messages from others: it knows no headers. */
  readonly isApart: boolean
  readonly answer: (asked: AskedIndex) => Promise<T> | T
}

interface Asked {
  readonly question: Question<unknown>
  readonly resolve: (answer: Promise<unknown>) => void
}

/** Answers each question by reading the streams. Questions that come during a replay share the next one. */
export class Replays {
  readonly #source: JournalSource
  readonly #closing: AbortSignal
  readonly #onRecords: OnRecords | undefined
  readonly #shared = new SharedWork<Asked>((asked) => this.#answer(asked))
  readonly #apart = new SharedWork<Asked>(async (asked) => {
    for (const one of asked) await this.#answer([one])
  })

  /** @param closing lets what is under way fail with `CLOSED` */
  constructor(source: JournalSource, closing: AbortSignal, onRecords?: OnRecords) {
    this.#source = source
    this.#closing = closing
    this.#onRecords = onRecords
  }

  /** @throws DuequeError as {@link JournalReading.open} and {@link JournalReading.reached} */
  async ask<T>(question: Question<T>): Promise<T> {
    let answer: Promise<unknown> | undefined
    const resolve = (given: Promise<unknown>) => (answer = given)
    const asked = { question, resolve }
    await (question.isApart ? this.#apart : this.#shared).do(asked)
    return (await answer) as T
  }

  /** Resolves when no replay is under way. */
  async settled(): Promise<void> {
    await Promise.all([this.#shared.settled(), this.#apart.settled()])
  }

  async #answer(asked: readonly Asked[]): Promise<void> {
    const open = await openIndex({
      source: this.#source,
      takes: takesOf(asked.map(({ question }) => question)),
      closing: this.#closing,
      onRecords: this.#onRecords,
    })
    // An answer may wait for a broker that is away.
    const close = () => void open.close().catch(() => undefined)
    this.#closing.addEventListener('abort', close, { once: true })
    try {
      await open.reading.reached()
      const answers = asked.map(async ({ question, resolve }) => {
        const answer = Promise.resolve(open).then(question.answer)
        resolve(answer)
        await answer.catch(() => undefined)
      })
      await Promise.all(answers)
    } finally {
      this.#closing.removeEventListener('abort', close)
      await open.close()
    }
  }
}

/** One look for all that ask for an id: a thousand may do so at once. */
function takesOf(questions: readonly Question<unknown>[]): (message: JournalledMessage) => boolean {
  const ids = new Set(questions.map(({ id }) => id))
  const filters = questions.flatMap(({ takes }) => takes ?? [])
  return (message) => ids.has(message.id) || filters.some((takes) => takes(message))
}

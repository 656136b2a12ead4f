import { errorText, isDuequeError } from '../../base/errors.js'
import { SharedWork } from '../../base/shared-work.js'
import type { JournalHealth } from '../../health.js'
import type { OnRecords } from '../reading/journal-reading.js'
import type { JournalSource } from '../reading/journal-source.js'
import { openIndex, type AskedIndex, type OpenIndex } from './open-index.js'

const FORGET_EVERY_MS = 1000
/** To answer a question, while streams are deleted and declared anew again and again. */
const MOST_ATTEMPTS = 3
/** How long an index that had too many entries is not read again. */
const OVER_MS = 10 * 60_000

export interface RunningSettings {
  source: JournalSource
  /** With more entries it is given up for a while. */
  maxEntries: number
  onRecords?: OnRecords | undefined
  /** Ends it. */
  closing: AbortSignal
}

/** An index that goes on reading, from the first question on. */
export class RunningIndex {
  readonly #settings: RunningSettings
  #opening: Promise<OpenIndex> | undefined
  #open: OpenIndex | undefined
  /** Entries of the index are not in their streams any more: it has to be read anew. */
  #isGone = false
  /** Until when, by `performance.now()`. */
  #overUntil = -Infinity
  readonly #proof = new SharedWork<OpenIndex>(async (open) => {
    await Promise.all([...new Set(open)].map(({ reading }) => reading.current()))
  })

  constructor(settings: RunningSettings) {
    this.#settings = settings
  }

  get state(): JournalHealth['state'] {
    if (this.#isOver) return 'over'
    if (this.#open && !this.#open.reading.isBehind) return 'live'
    return this.#opening ? 'reading' : 'unused'
  }

  /** Entries in memory. */
  get size(): number {
    return this.#open?.index.size ?? 0
  }

  /**
   * The index, once everything is in it that was in the streams at the time of the call; undefined if that is too much.
   *
   * @throws DuequeError `JOURNAL_UNREAD` if that cannot be known within 30 s, and as {@link openIndex}
   */
  async ask(): Promise<AskedIndex | undefined> {
    for (let attempt = 1; !this.#isOver; attempt++) {
      if (this.#isGone) await this.#end()
      const opening = this.#start()
      try {
        const open = await opening
        await this.#proof.do(open)
        if (opening !== this.#opening) continue
        this.#open = open
        this.#isGone ||= open.reading.isGone
        if (!this.#isGone || attempt >= MOST_ATTEMPTS) return { ...open, onGone: () => (this.#isGone = true) }
      } catch (error) {
        // Closed in the middle, because another question has found out that it has to be read anew, or has too many entries.
        const isEnded = opening !== this.#opening && isDuequeError(error, 'CLOSED')
        if (!isEnded || this.#settings.closing.aborted || attempt >= MOST_ATTEMPTS) throw error
      }
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.#end()
  }

  get #isOver(): boolean {
    return performance.now() < this.#overUntil
  }

  #start(): Promise<OpenIndex> {
    this.#opening ??= this.#read().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #read(): Promise<OpenIndex> {
    const { source, closing, onRecords } = this.#settings
    this.#isGone = false
    const open = await openIndex({ source, closing, isLasting: true, onRecords })
    const forgetting = setInterval(() => this.#forget(open), FORGET_EVERY_MS).unref()
    const close = () => {
      clearInterval(forgetting)
      return open.close()
    }
    return { ...open, close }
  }

  #forget(open: OpenIndex): void {
    const { maxEntries, source } = this.#settings
    open.index.forget()
    if (open.index.size <= maxEntries) return
    this.#overUntil = performance.now() + OVER_MS
    source.logger.warn(
      'the index of the journal has too many entries: for 10 minutes every question reads the journal (option: journal.index.maxEntries)',
      { entries: open.index.size, maxEntries },
    )
    this.#end().catch((error: unknown) => source.logger.debug('closing an index failed', { error: errorText(error) }))
  }

  async #end(): Promise<void> {
    const opening = this.#opening
    this.#opening = this.#open = undefined
    const open = await opening?.catch(() => undefined)
    await open?.close()
  }
}

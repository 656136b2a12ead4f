import { AmqpBroker } from '../amqp/amqp-broker.js'
import { DuequeError } from '../base/errors.js'
import type { InnerParts } from '../inner-parts.js'
import { sourceOf } from '../journal/open-journal.js'
import { JournalView } from '../journal/view/journal-view.js'
import { hasJournal } from '../operate/has-journal.js'
import type { OperatorSettings } from '../operate/operator-settings.js'
import { tickQueue } from '../recurring/recurring-layout.js'
import type { WaitingView } from '../strategies/waiting-view.js'
import { Refused } from './http/refused.js'
import { usersView } from './users-view.js'

/** Without a journal it is looked for again after this time. Each look leaves a line in the broker's log. */
const LOOK_EVERY_MS = 60_000
/** About 130 bytes each. */
const MAX_ENTRIES = 1_000_000

const OVER = 'More messages are waiting than the index in memory may hold, so each answer reads the whole journal.'

/**
 * The waiting messages of a connection: those of its store, or of the journal of its namespace. A journal is read into an index that
 * stays: that of the strategy if it has one, or else one of the dashboard's own, with a connection of its own.
 */
export class WaitingSource {
  readonly #parts: InnerParts
  readonly #settings: OperatorSettings
  #journal: JournalView | undefined
  #isClosed = false
  #looked: { at: number; readonly isThere: Promise<boolean> } | undefined

  constructor(parts: InnerParts, settings: OperatorSettings) {
    this.#parts = parts
    this.#settings = settings
  }

  /** Undefined if the waiting messages cannot be listed. @throws DuequeError as `connect` does */
  async view(): Promise<WaitingView | undefined> {
    const { strategy } = this.#parts.options
    const { waitlist, journal } = strategy
    const { broker } = this.#parts
    if (waitlist) return broker instanceof AmqpBroker ? usersView(waitlist, tickQueue(broker.names)) : waitlist
    if (!(broker instanceof AmqpBroker) || strategy.journalHealth?.()) return journal
    if (!(await this.#hasJournal())) return journal
    // It may have been closed while the journal was looked for.
    if (this.#isClosed) throw new DuequeError('CLOSED', 'the dashboard is closed', {})
    this.#journal ??= this.#open(broker)
    return this.#journal
  }

  /** @throws Refused 409 if the waiting messages cannot be listed */
  async needed(): Promise<WaitingView> {
    const view = await this.view()
    if (view) return view
    throw new Refused(409, 'NO_LIST', `RabbitMQ cannot list waiting messages. ${this.#hint}`)
  }

  async about(): Promise<{ list: boolean; hint?: string }> {
    if (!(await this.view())) return { list: false, hint: this.#hint }
    const health = this.#journal?.health() ?? this.#parts.options.strategy.journalHealth?.()
    return health?.state === 'over' ? { list: true, hint: OVER } : { list: true }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#journal?.close()
  }

  get #hint(): string {
    const { name } = this.#parts.options.strategy
    return `A journal lets you see each waiting message: connect with ${name}({ journal: true }) in every process.`
  }

  #open(broker: AmqpBroker): JournalView {
    const { clock, logger, cancellations } = this.#parts.options
    const source = sourceOf({ broker, clock, logger, graceMs: cancellations.graceMs })
    return new JournalView(source, { maxEntries: MAX_ENTRIES })
  }

  /** Once there is one, it stays. */
  async #hasJournal(): Promise<boolean> {
    const now = performance.now()
    if (!this.#looked || now - this.#looked.at > LOOK_EVERY_MS)
      this.#looked = { at: now, isThere: hasJournal(this.#settings) }
    const looked = this.#looked
    try {
      const isThere = await looked.isThere
      if (isThere) looked.at = Infinity
      return isThere
    } catch (error) {
      if (this.#looked === looked) this.#looked = undefined
      throw error
    }
  }
}

/** The shortest way to list messages: of an index, without reading them. */
export function shortListOf(view: WaitingView): NonNullable<WaitingView['listShort']> {
  return (...page) => (view.listShort ? view.listShort(...page) : view.list(...page))
}

import type { AmqpBroker } from '../amqp/amqp-broker.js'
import type { PublishPlan } from '../amqp/publish/publication.js'
import type { Timeline } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { cancellationFacet, cancellationLog } from '../cancellation/log.js'
import type { JournalOptions } from '../journal/journal-options.js'
import { closeJournal, journalFacet, openJournal, type OpenJournal } from '../journal/open-journal.js'
import type { StreamLog } from '../log/stream-log.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import { definitionsFacet } from './definitions/definitions-facet.js'
import { StreamDefinitions } from './definitions/stream-definitions.js'
import type { WaitOptions } from './strategy.js'

interface LogSettings {
  broker: AmqpBroker
  clock: Timeline
  logger: Logger
  graceMs?: number | undefined
}

/**
 * The logs beside the messages of a strategy on RabbitMQ: cancellations, definitions of recurring messages, and a journal if there
 * is one.
 */
export class StreamLogs {
  readonly #strategy: string
  readonly #options: boolean | JournalOptions
  #cancellations: StreamLog | undefined
  #journal: OpenJournal | undefined
  #definitions: StreamDefinitions | undefined

  /** @param options of the journal, which were checked */
  constructor(strategy: string, options: boolean | JournalOptions = false) {
    this.#strategy = strategy
    this.#options = options
  }

  /** The facets of the strategy. */
  facets() {
    const cancellations = cancellationFacet(this.#strategy, () => this.#cancellations)
    const definitions = definitionsFacet(this.#strategy, () => this.#definitions)
    if (this.#options === false) return { cancellations, definitions }
    const journal = journalFacet(this.#strategy, () => this.#journal)
    return { cancellations, definitions, journal, journalHealth: () => this.#journal?.view.health() }
  }

  open({ broker, clock, logger, graceMs }: LogSettings): void {
    this.#cancellations = cancellationLog(broker, clock, logger)
    this.#definitions = new StreamDefinitions({ broker, clock, logger })
    this.#journal = openJournal(this.#options, { broker, clock, logger, graceMs })
  }

  /** Publishes a message, and its record in the journal if there is one. */
  publish(broker: AmqpBroker, message: DelayedMessage, plan: PublishPlan, options: WaitOptions): Promise<void> {
    return (this.#journal?.writer ?? broker).publish(message, plan, options)
  }

  async close(): Promise<void> {
    const [cancellations, definitions, journal] = [this.#cancellations, this.#definitions, this.#journal]
    // At once: they may be opened anew before all of these are closed.
    this.#cancellations = this.#definitions = this.#journal = undefined
    await Promise.all([cancellations?.close(), definitions?.close(), closeJournal(journal)])
  }
}

import type { AmqpBroker } from '../amqp/amqp-broker.js'
import type { Timeline } from '../base/clock.js'
import { DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { JournalledMessage, WaitingView } from '../strategies/waiting-view.js'
import type { ResolvedJournal } from './journal-options.js'

export interface JournalViewSettings extends Pick<ResolvedJournal, 'maxEntries'> {
  broker: AmqpBroker
  clock: Timeline
  logger: Logger
}

/** The waiting messages of a namespace, by its journal and its log of cancellations. */
export class JournalView implements WaitingView {
  readonly #settings: JournalViewSettings

  constructor(settings: JournalViewSettings) {
    this.#settings = settings
  }

  find(_id: string): Promise<readonly JournalledMessage[]> {
    return this.#unread()
  }

  list(..._args: Parameters<WaitingView['list']>): Promise<readonly JournalledMessage[]> {
    return this.#unread()
  }

  count(..._args: Parameters<WaitingView['count']>): Promise<number> {
    return this.#unread()
  }

  countBy(..._args: Parameters<WaitingView['countBy']>): ReturnType<WaitingView['countBy']> {
    return this.#unread()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #unread(): Promise<never> {
    const { names } = this.#settings.broker
    return Promise.reject(
      new DuequeError('UNSUPPORTED', `the journal of ${names.prefix} cannot be read yet`, {} as never),
    )
  }
}

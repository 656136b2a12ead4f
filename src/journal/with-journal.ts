import type { ConnectionSettings } from '../amqp/connection/connect-to.js'
import { withConnection } from '../amqp/connection/operator-connection.js'
import { systemClock } from '../base/clock.js'
import { throttle } from '../base/throttle.js'
import type { Names } from '../amqp/topology/names.js'
import { GRACE_MS } from '../log/horizons.js'
import type { OnRecords } from './journal-reading.js'
import { JournalView } from './journal-view.js'

export interface WithJournalSettings extends ConnectionSettings {
  names: Names
  /** As the consumers' option. */
  cancellations?: { graceMs: number } | undefined
}

export interface WithJournalOptions {
  /** The time as of which messages wait: milliseconds since the epoch. @default each moment's own */
  at?: number | undefined
  /** Called while the streams are read. */
  onRecords?: OnRecords | undefined
}

/**
 * Opens the journal of a namespace for an operator, on a connection of its own, and closes it when the work ends, however it
 * ends. Nothing is declared, nothing is written.
 *
 * @throws DuequeError `TOPOLOGY_MISSING` from each question if there is no journal, `JOURNAL_UNREAD` if it cannot be read; as
 * `connect` does
 */
export function withJournal<T>(
  settings: WithJournalSettings,
  work: (journal: JournalView) => Promise<T>,
  { at, onRecords }: WithJournalOptions = {},
): Promise<T> {
  const { names, logger, cancellations } = settings
  return withConnection(settings, async (connection) => {
    const source = {
      names,
      logger,
      isNews: throttle(systemClock),
      graceMs: cancellations?.graceMs ?? GRACE_MS,
      now: () => at ?? Date.now(),
      connect: () => Promise.resolve({ connection, release: () => Promise.resolve() }),
    }
    const journal = new JournalView(source, { maxEntries: Infinity, onRecords })
    try {
      return await work(journal)
    } finally {
      await journal.close()
    }
  })
}

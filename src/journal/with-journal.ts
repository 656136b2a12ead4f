import type { ConnectionSettings } from '../amqp/connection/connect-to.js'
import { withConnection } from '../amqp/connection/operator-connection.js'
import type { OnRecords } from './reading/journal-reading.js'
import { sourceOver, type SourceSettings } from './reading/journal-source.js'
import { JournalView } from './view/journal-view.js'

export type WithJournalSettings = ConnectionSettings & SourceSettings

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
  return withConnection(settings, async (connection) => {
    const source = sourceOver(connection, settings, () => at ?? Date.now())
    const journal = new JournalView(source, { maxEntries: Infinity, onRecords })
    try {
      return await work(journal)
    } finally {
      await journal.close()
    }
  })
}

import { isForOwnQueue } from '../../amqp/topology/reserved-names.js'
import { errorText, isDuequeError } from '../../base/errors.js'
import type { OnRecords } from '../../journal/reading/journal-reading.js'
import { withJournal } from '../../journal/with-journal.js'
import type { DestinationCount } from '../../strategies/destination-counts.js'
import type { MessageStore } from '../../strategies/store/message-store.js'
import type { OperatorSettings } from '../operator-settings.js'

export interface WaitingLookOptions {
  store?: MessageStore | undefined
  onReading?: OnRecords | undefined
}

/** The waiting messages by destination, without the ticks of any namespace, and where they were read. */
export interface WaitingLook {
  /** `journal`, or the name of the store. */
  readonly source: string
  readonly counts: readonly DestinationCount[]
}

/**
 * Reads the waiting messages of a store, or else of the journal.
 *
 * @returns a text that says why the journal could not be read
 * @throws DuequeError `STORE_ERROR`
 */
export async function lookAtWaiting(
  settings: OperatorSettings,
  { store, onReading }: WaitingLookOptions,
): Promise<WaitingLook | string> {
  if (store) {
    const counts = await store.countByDestination()
    return { source: store.name, counts: counts.filter((one) => !isForOwnQueue(one)) }
  }
  try {
    const counts = await withJournal(settings, (journal) => journal.countByDestination(), { onRecords: onReading })
    return { source: 'journal', counts }
  } catch (error) {
    if (isDuequeError(error)) return errorText(error)
    throw error
  }
}

import type { CancelMethods } from '../index.js'
import type { JournalSettings } from './journal-option.js'
import type { Settings } from './settings.js'
import { withWaitlist } from './stores/chosen-store.js'
import { hasStore } from './stores/store-options.js'
import type { Terminal } from './terminal.js'

/** The methods that there are with a store and without one. */
export type Cancelling = Pick<CancelMethods, 'cancel' | 'reschedule'>

/**
 * Cancels in the store that was chosen, without RabbitMQ. Without a store, messages wait in RabbitMQ itself: a cancellation is
 * a record that their consumers read, whether they wait in the ladder or in the plugin.
 */
export async function withCancelling<T>(
  settings: Settings & JournalSettings,
  terminal: Terminal,
  work: (methods: Cancelling) => Promise<T>,
): Promise<T> {
  if (hasStore(settings)) return withWaitlist(settings, terminal, work)
  const { withLadder } = await import('./with-dueque.js')
  return withLadder(settings, terminal, work)
}

import { connect, ladder, type CancelMethods } from '../index.js'
import { connectOptions, watched, type Settings } from './settings.js'
import { withWaitlist } from './stores/store-options.js'
import type { Terminal } from './terminal.js'

/** The methods that there are with a store and without one. */
export type Cancelling = Pick<CancelMethods, 'cancel' | 'reschedule'>

/** Whether messages wait in a store. */
export function hasStore({ redis, postgres }: Settings): boolean {
  return redis !== undefined || postgres !== undefined
}

/**
 * Cancels in the store that was chosen, without RabbitMQ. Without a store, messages wait in RabbitMQ itself: a cancellation is
 * a record that their consumers read, whether they wait in the ladder or in the plugin.
 */
export async function withCancelling<T>(
  settings: Settings,
  terminal: Terminal,
  work: (methods: Cancelling) => Promise<T>,
): Promise<T> {
  if (hasStore(settings)) return withWaitlist(settings, terminal, work)
  const mq = watched(await connect({ ...connectOptions(settings, terminal), strategy: ladder() }), terminal)
  try {
    return await work(mq)
  } finally {
    await mq.close()
  }
}

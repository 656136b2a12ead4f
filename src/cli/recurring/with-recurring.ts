import type { Dueque, Recurring, RecurringMethods } from '../../index.js'
import type { Settings } from '../settings.js'
import type { Terminal } from '../terminal.js'
import { withDueque } from '../with-dueque.js'

/** Connects for a work on recurring messages, which are kept in the store that was chosen, or else in RabbitMQ. */
export function withRecurring<T>(
  settings: Settings,
  terminal: Terminal,
  work: (recurring: Recurring) => Promise<T>,
): Promise<T> {
  // The strategies that it connects with keep definitions.
  return withDueque(settings, terminal, (mq) => work((mq as Dueque & RecurringMethods).recurring))
}

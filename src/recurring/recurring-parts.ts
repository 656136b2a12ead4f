import type { Logger } from '../base/logger.js'
import type { Destination } from '../message/destination.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { Receipt } from '../message/receipt.js'
import type { RecurringDefinitions } from '../strategies/recurring-definitions.js'
import type { Strategy } from '../strategies/strategy.js'
import type { RecurringDefinition } from './definition.js'

/** The parts of a connection that its recurring messages are changed by. */
export interface RecurringParts {
  readonly strategy: Strategy & { readonly definitions: RecurringDefinitions }
  /** The name of the queue of ticks. */
  readonly queue: string
  /** The wall clock. */
  readonly now: () => number
  readonly logger: Logger
  /**
   * Looks for a destination, and declares a missing work queue if that is wanted.
   *
   * @throws DuequeError as `schedule` does
   */
  readonly destination: (to: Destination, declare: boolean) => Promise<void>
  /** Declares the queue of ticks. If this process consumes, its ticker runs from then on. */
  readonly openTicks: () => Promise<void>
  /** Schedules a message as it is, under the hooks of telemetry. */
  readonly send: (message: DelayedMessage) => Promise<Receipt>
  /**
   * Former definitions whose occurrences may still wait, by the id of a schedule whose change has failed half-way in this process.
   * A repetition of the change does all of it again.
   */
  readonly unfinished: Map<string, readonly RecurringDefinition[]>
}

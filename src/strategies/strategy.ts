import type { Rule } from '../base/checks.js'
import type { Broker, PublishOptions } from '../broker.js'
import type { Clock } from '../base/clock.js'
import type { DelayedMessage } from '../message/delayed-message.js'
import type { DuequeError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { JournalHealth, StoreFaultCounts } from '../health.js'
import type { Cancellations } from './cancellations.js'
import type { RecurringDefinitions } from './recurring-definitions.js'
import type { Waitlist } from './waitlist.js'
import type { WaitingView } from './waiting-view.js'

/**
 * A way for messages to wait. A strategy is an object literal that a function returns; it sees checked, plain values only
 * and decides nothing about payloads, options or handlers.
 */
export interface Strategy {
  readonly name: string
  readonly limits: Limits
  /** Only for a strategy that brings its own place for due messages: `memory`. With all others RabbitMQ is that place. */
  readonly broker?: Broker
  /** The waiting messages, to look at and to change: with strategies that keep them in a store that can be queried. */
  readonly waitlist?: Waitlist
  /** With strategies that cannot take a waiting message back. */
  readonly cancellations?: Cancellations
  /** Beside a log of cancellations: a record of the waiting messages, to look at. */
  readonly journal?: WaitingView
  /** Where the definitions of recurring messages are kept. Without it, there are none. */
  readonly definitions?: RecurringDefinitions
  /**
   * Whether `transaction` is something that `schedule` can write in: with strategies whose store has transactions.
   *
   * @throws DuequeError `INVALID_OPTION`
   */
  checkTransaction?(transaction: never): void
  /** Called once, before anything is scheduled. */
  start(environment: Environment): Promise<void>
  /**
   * Makes a message wait until `message.dueAt`, or until `message.retryAt` if that is later, or deliver it at once if both
   * are past. Resolves when it waits as safely as the strategy can make it; rejects with an error whose `outcome` says
   * whether it may wait all the same.
   *
   * @returns the message that waits instead of this one, with `onConflict: 'ignore'`
   */
  schedule(message: DelayedMessage, options: WaitOptions): Promise<DelayedMessage | void>
  /**
   * Looks at what the strategy has declared on the broker, and declares again what is missing. Called when a message came
   * back before its due time. Only for strategies in which messages wait on the broker in more than one place.
   */
  repair?(): Promise<void>
  /** Answers at once, for a readiness probe. Only for strategies with a store. */
  storeHealth?(): 'up' | 'down'
  /** Entries of the store that could not be read, or were lost. Only for strategies with a store. */
  storeFaults?(): StoreFaultCounts
  /** The index of its journal, if it keeps one. */
  journalHealth?(): JournalHealth | undefined
  /** Idempotent. Messages go on waiting, except in memory. */
  stop(): Promise<void>
}

/** What to do with a message whose id already waits. */
export type OnConflict = 'ignore' | 'replace' | 'error'

export interface WaitOptions extends PublishOptions {
  /** Only with a {@link Strategy.waitlist}. Without it, two schedules under one id are two messages. */
  onConflict?: OnConflict | undefined
  /** Only with a {@link Strategy.checkTransaction}. */
  transaction?: unknown
  /**
   * For a message that came back before it was ready, because clocks differ: it is not delivered again for so many
   * milliseconds, by the clock of the place where it waits. Only a strategy with a store needs it.
   */
  holdMs?: number | undefined
  /**
   * For a message that the journal of a lost broker had waiting. Its own record follows when the message is confirmed, whatever
   * its delay: a restore that is killed between the two sends it again. Only a strategy with a {@link Strategy.journal} needs
   * it.
   */
  restored?: boolean | undefined
  /** The messages inside, of a batch. A {@link Strategy.journal} shows them, and not the batch. */
  items?: readonly DelayedMessage[] | undefined
}

/** The numbers in which strategies differ. */
export interface Limits {
  /** The longest wait. */
  readonly maxDelayMs: number
  /** Messages to one queue whose due times are further apart than this arrive in due order, on an idle machine. */
  readonly orderMs: number
  /** How much earlier than due a message may be in its queue. Consumers hold it until then. */
  readonly leadMs: number
  /** Waits of whole multiples of this cost the broker less than others, in milliseconds. @default all waits cost the same */
  readonly stepMs?: number | undefined
}

/** Checks the shape: other packages, and other copies of this one, make strategies too. */
export const aStrategy: Rule = (value) => {
  if (typeof value === 'function') return 'a strategy, such as ladder(): call it'
  const { name, limits, start, schedule, stop } = Object(value) as Partial<Strategy>
  const isOne =
    typeof name === 'string' &&
    typeof limits?.maxDelayMs === 'number' &&
    [start, schedule, stop].every((method) => typeof method === 'function')
  return isOne ? undefined : 'a strategy, such as ladder()'
}

export interface Environment {
  readonly broker: Broker
  readonly clock: Clock
  readonly logger: Logger
  /** Called for errors that need an operator while nobody waits for an answer. */
  readonly onError: (error: DuequeError) => void
  /** How long consumers remember a cancellation after its due time, in milliseconds. @default a day */
  readonly graceMs?: number | undefined
}

import type { Destination } from '../message/destination.js'
import type { Due } from '../message/due.js'
import type { Headers } from '../message/headers.js'
import type { Receipt } from '../message/receipt.js'
import type { Cancellations } from '../strategies/cancellations.js'
import type { OnConflict } from '../strategies/strategy.js'
import type { Waitlist } from '../strategies/waitlist.js'
import type { CancelTarget } from './target.js'

/** A waiting message, as `get` and `list` show it. */
export interface WaitingMessage {
  readonly id: string
  readonly name: string
  /** The JSON that was scheduled; undefined for a foreign body that is not JSON. Not checked by a schema. */
  readonly payload: unknown
  readonly dueAt: Date
  /** When it is handed over: its due time, or the time of its retry. */
  readonly readyAt: Date
  readonly scheduledAt: Date
  /** 1, or more if it waits for a retry. */
  readonly attempt: number
  readonly headers: Headers
  /** What `cancel` and `reschedule` take. */
  readonly receipt: Receipt
}

/** Selects waiting messages: those that match every field that is given. */
export interface WaitingFilter {
  /** The time at which they are handed over: from `from` on, before `to`. */
  due?: { from?: Date | undefined; to?: Date | undefined } | undefined
  /** The message's name, as in `defineMessage`. */
  name?: string | undefined
  /** An exchange without a routing key stands for all its routing keys. */
  destination?: Destination | undefined
}

export interface ListOptions extends WaitingFilter {
  /** The most messages of a page, 1 to 1000. @default 100 */
  limit?: number | undefined
  /** The cursor of the page before. */
  cursor?: string | undefined
}

export interface WaitingPage {
  readonly messages: readonly WaitingMessage[]
  /** For the next page. Undefined on the last one. */
  readonly cursor: string | undefined
}

/**
 * The answer to a cancellation.
 *
 * |               | redis, postgres, memory: exact                        | ladder, plugin: by a record that consumers read          |
 * |---------------|-------------------------------------------------------|----------------------------------------------------------|
 * | `cancelled`   | it waited, and waits no more                          | confirmed in time: no handler starts for it              |
 * | `not-waiting` | it was delivered, is on its way, or never was         | never: RabbitMQ cannot be asked                          |
 * | `too-late`    | never                                                 | confirmed within the margin before due or later: dropped |
 * |               |                                                       | where it is still met                                    |
 * | `unknown`     | never                                                 | the target has no due time: one of the two above         |
 */
export type CancelResult = 'cancelled' | 'not-waiting' | 'too-late' | 'unknown'

/** Cancels waiting messages, with every strategy but the base interface. */
export interface CancelMethods {
  /**
   * Cancels waiting messages: of a receipt, that schedule and its retries; of an id, all messages that were scheduled under
   * it until now. Resolves when nothing can undo it any more.
   *
   * @throws DuequeError `INVALID_OPTION`, `INVALID_DUE`; as `schedule` does if the broker or the store cannot be reached
   */
  cancel(target: CancelTarget): Promise<CancelResult>
}

/**
 * Reads and changes waiting messages, with strategies that keep them in a store that can be queried. All answers are exact:
 * a message that was handed over to RabbitMQ is not waiting any more, even if its consumer has not seen it yet.
 */
export interface WaitingMethods extends CancelMethods {
  /**
   * Gives it another due time; `expiresIn` counts from that. Of several under one id, the latest revision.
   *
   * @returns its receipt with the new due time, or undefined if it is not waiting any more
   */
  reschedule(target: Receipt | string, due: Due): Promise<Receipt | undefined>
  /** The latest revision that waits. */
  get(target: Receipt | string): Promise<WaitingMessage | undefined>
  /** A page of the waiting messages, by time. Messages that come or go meanwhile do not shift the pages. */
  list(options?: ListOptions): Promise<WaitingPage>
  count(filter?: WaitingFilter): Promise<number>
}

/** The methods that a `Dueque` has beside those of every strategy, by the facets of its strategy. */
export type StrategyMethods<S> = S extends { readonly waitlist: Waitlist }
  ? WaitingMethods
  : S extends { readonly cancellations: Cancellations }
    ? CancelMethods
    : unknown

/** Options of `schedule` that only some strategies have. */
export type StrategyScheduleOptions<S> = (S extends { readonly waitlist: Waitlist } ? ConflictOptions : unknown) &
  (S extends { checkTransaction(transaction: infer T): void } ? { transaction?: T | undefined } : unknown)

export interface ConflictOptions {
  /**
   * What to do if a message with this id waits already: `ignore` keeps that one and returns its receipt; `replace`
   * removes it; `error` throws `CONFLICT`. A message on its way to its consumer does not count.
   * @default both wait
   */
  onConflict?: OnConflict | undefined
}

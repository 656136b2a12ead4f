import type { Destination } from '../message/destination.js'
import type { Due } from '../message/due.js'
import type { Headers, HeaderValue } from '../message/headers.js'
import type { Receipt } from '../message/receipt.js'
import type { Cancellations } from '../strategies/cancellations.js'
import type { Waitlist } from '../strategies/waitlist.js'
import type { WaitingView } from '../strategies/waiting-view.js'
import type { CancelResult } from './cancel-result.js'
import type { CancelRun } from './cancel-run.js'
import type { ConflictOptions } from './conflict-options.js'
import type { RescheduleContent } from './reschedule-content.js'
import type { CancelTarget } from './target.js'
import type { TransactionOptions } from './transaction-options.js'

/** A waiting message, as `get` and `list` show it. */
export interface WaitingMessage {
  readonly id: string
  readonly name: string
  /**
   * The JSON that was scheduled, not checked by a schema. Undefined for a foreign body that is not JSON, and with a journal
   * that keeps no bodies.
   */
  readonly payload: unknown
  readonly dueAt: Date
  /** When it is handed over: its due time, or the time of its retry. */
  readonly readyAt: Date
  readonly scheduledAt: Date
  /** 1, or more if it waits for a retry. */
  readonly attempt: number
  /** The producer's. */
  readonly headers: Headers
  /** What `cancel` and `reschedule` take. Of a retry, its due time is {@link readyAt}. */
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
  /** The id begins with this text. */
  idPrefix?: string | undefined
  /** Headers that the message has, with exactly these values. */
  headers?: Readonly<Record<string, HeaderValue>> | undefined
}

/** A part of {@link WaitingMethods.count}. */
export type CountUnit = 'minute' | 'hour' | 'day'

/** The waiting messages of one minute, hour or day. */
export interface WaitingCount {
  /** The start of that time, in UTC. */
  readonly from: Date
  readonly count: number
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

/** The receipt of a rescheduled message, with what became of its old schedule. */
export interface Rescheduled extends Receipt {
  /** As after `cancel` of the old schedule. */
  replaced: CancelResult
}

/** Cancels and moves waiting messages, with every strategy of this package. */
export interface CancelMethods {
  /**
   * Cancels waiting messages: of a receipt, that schedule and its retries; of an id, all messages that were scheduled under
   * it until now. Resolves when the store has removed them, or RabbitMQ has confirmed the record of the cancellation.
   *
   * @returns what became of it: a table by strategy is in {@link CancelResult}
   * @throws DuequeError `INVALID_OPTION`, `INVALID_DUE`; as `schedule` does if the broker or the store cannot be reached
   */
  cancel(target: CancelTarget): Promise<CancelResult>
  /**
   * Cancels many, with at most `maxInFlight` on the way. One bad target does not stop the rest.
   *
   * `await` it to cancel everything: it resolves to counts and the first 1000 failures, and rejects only if the source does.
   * Iterate it to get each answer as it is known. Nothing is cancelled before that; a run that is not used within a second is
   * a warning in the log.
   *
   * @throws DuequeError `INVALID_OPTION` if there is nothing to iterate
   * @example
   * const { cancelled, tooLate, failures } = await mq.cancelAll(receipts)
   * @example
   * for await (const { item, outcome, error } of mq.cancelAll(receipts)) …
   */
  cancelAll<Item extends CancelTarget>(targets: Iterable<Item> | AsyncIterable<Item>): CancelRun<Item>
  /**
   * Gives a message another due time, and other content. RabbitMQ cannot look up a waiting message, so `content` says what it
   * holds: it is scheduled anew under its id, and then every earlier schedule under this id is cancelled. A crash between
   * these two steps leaves both, never none. Of several reschedules at once, the one with the greatest revision is delivered.
   *
   * @param target a receipt, or an id: then `content` has the destination
   * @param due the new due time. A past one is due at once
   * @returns the receipt of the new schedule, with what became of the old one. Undefined only with a store, if the message was
   * not waiting
   * @throws DuequeError as `schedule` does. With the outcome `refused`, the old schedule stands and nothing else. With
   * `unknown`, both messages may be delivered: call it again with the same target and due time
   * @example
   * const moved = await mq.reschedule(receipt, { at: '2030-01-31T09:00:00+01:00' }, { message: reminder, payload })
   */
  reschedule<In>(target: CancelTarget, due: Due, content: RescheduleContent<In>): Promise<Rescheduled | undefined>
}

/**
 * Reads and changes waiting messages, with strategies that keep them in a store, or a journal of them.
 *
 * |                              | a store: exact                                     | a journal (`ladder({ journal: true })`)                          |
 * |------------------------------|----------------------------------------------------|------------------------------------------------------------------|
 * | shows                        | waiting messages; none that was handed over to     | messages that were scheduled with a journal, until they are due, |
 * |                              | RabbitMQ                                           | without cancelled ones                                           |
 * | `cancel`                     | removes the message                                | as without a journal: writes a record                            |
 * | `reschedule` without content | changes the message, and keeps its revision        | schedules a copy with a new revision, and cancels every earlier  |
 * |                              |                                                    | schedule of the id. Close to the due time both may be handled    |
 * |                              |                                                    | (`replaced: 'too-late'`)                                         |
 * | `reschedule` with content    | undefined if it is not waiting any more; keeps its | as without a journal: schedules in any case, to the destination  |
 * |                              | destination and attempts                           | of the content or of the receipt                                 |
 */
export interface WaitingMethods extends CancelMethods {
  /**
   * Gives it another due time. Of several under one id, the latest revision. Without `content` it holds what it held, its
   * destination and number of attempts stay, and `expiresIn` counts from the new due time; with it, it holds that and nothing
   * of before. The table above has the differences.
   *
   * @returns its receipt with the new due time, or undefined if it is not waiting any more
   * @throws DuequeError `INVALID_OPTION`, in a store also for another destination, with a journal that keeps no bodies also
   * without content; `INVALID_DUE`, `DELAY_OUT_OF_RANGE`, `INVALID_PAYLOAD`, `STORE_ERROR`, …
   */
  reschedule<In>(target: CancelTarget, due: Due, content?: RescheduleContent<In>): Promise<Rescheduled | undefined>
  /** The latest revision that waits. */
  get(target: Receipt | string): Promise<WaitingMessage | undefined>
  /** A page of the waiting messages, by time. Messages that come or go meanwhile do not shift the pages. */
  list(options?: ListOptions): Promise<WaitingPage>
  count(filter?: WaitingFilter): Promise<number>
  /**
   * Counts by the time at which messages are handed over, in UTC. Times without any are left out.
   *
   * @example
   * await mq.countBy('hour', { due: { to: new Date(Date.now() + 86_400_000) } })
   */
  countBy(unit: CountUnit, filter?: WaitingFilter): Promise<readonly WaitingCount[]>
}

/**
 * The methods that change waiting messages, with strategies whose store has transactions: `postgres`. With `transaction`
 * they work in the caller's transaction, as `schedule` does.
 */
export interface TransactionMethods<T> {
  /**
   * As without a transaction, or in one. The event `cancelled` comes before its commit. Another transaction that has changed
   * the message is waited for, 5 s at most; the caller's own transaction stays healthy then.
   *
   * @throws DuequeError `STORE_ERROR`, always `refused`
   * @example
   * await knex.transaction(async (trx) => {
   *   await trx('orders').where({ id }).update({ paid: true })
   *   await mq.cancel(`order/${id}`, { transaction: fromKnex(trx) })
   * })
   */
  cancel(target: CancelTarget, options?: TransactionOptions<T>): Promise<CancelResult>
  /** All of them in one transaction, one after the other. Await it before the commit. */
  cancelAll<Item extends CancelTarget>(
    targets: Iterable<Item> | AsyncIterable<Item>,
    options?: TransactionOptions<T>,
  ): CancelRun<Item>
  /**
   * @param due with the transaction beside the due time: `{ in: '2h', transaction }`
   * @throws DuequeError as `cancel`
   */
  reschedule<In>(
    target: CancelTarget,
    due: Due & TransactionOptions<T>,
    content?: RescheduleContent<In>,
  ): Promise<Rescheduled | undefined>
}

/** The methods for waiting messages, by the facets of a strategy. */
export type WaitMethods<S> = (S extends { readonly waitlist: Waitlist } | { readonly journal: WaitingView }
  ? WaitingMethods
  : S extends { readonly cancellations: Cancellations }
    ? CancelMethods
    : unknown) &
  (S extends { checkTransaction(transaction: infer T): void } ? TransactionMethods<T> : unknown)

/** Options of `schedule` that only some strategies have. */
export type StrategyScheduleOptions<S> = (S extends { readonly waitlist: Waitlist } ? ConflictOptions : unknown) &
  (S extends { checkTransaction(transaction: infer T): void } ? TransactionOptions<T> : unknown)

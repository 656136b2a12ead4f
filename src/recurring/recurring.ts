import type { Destination } from '../message/destination.js'
import type { Due } from '../message/due.js'
import type { Headers } from '../message/headers.js'
import type { Receipt } from '../message/receipt.js'
import type { ItemFailure } from '../schedule/item-failures.js'
import type { BulkRun } from '../schedule/lazy-run.js'
import type { ItemResult } from '../schedule/run-all.js'
import type { RecurringOptions } from './recurring-options.js'

/** A recurring message, as it is set. Times in milliseconds have `Ms` in their names. */
export interface RecurringSchedule {
  readonly id: string
  /** Of the message, as in `defineMessage`. */
  readonly name: string
  /** Of the message's schema. */
  readonly version: number
  /** The JSON of each occurrence's body. */
  readonly payload: unknown
  readonly to: Destination
  /** A schedule has either `cron`, with its time zone, or `everyMs`. */
  readonly cron: string | undefined
  readonly tz: string | undefined
  readonly everyMs: number | undefined
  readonly from: Date | undefined
  readonly until: Date | undefined
  readonly limit: number | undefined
  readonly jitterMs: number
  readonly catchUp: 'once' | 'none' | 'all'
  readonly catchUpWindowMs: number
  readonly expiresInMs: number | undefined
  readonly headers: Headers
  readonly priority: number | undefined
  readonly paused: boolean
  readonly note: string | undefined
  /** Of the definition. Each of its occurrences has it too. */
  readonly revision: number
  /** The next time, without jitter. Undefined while it is paused, and behind its last time. */
  readonly nextAt: Date | undefined
}

/** The answer of {@link Recurring.set}. */
export interface SetSchedule extends RecurringSchedule {
  /** False if the schedule was exactly so before. */
  readonly changed: boolean
}

/** One item of {@link Recurring.setAll}: the two arguments of `set`. */
export type RecurringItem<In = unknown> = { id: string } & RecurringOptions<In>

/** The outcome of one item, by its place in the input. Results come in the order in which they are known. */
export type SetResult<Item = unknown> = ItemResult<Item, { schedule: SetSchedule }>

/** What became of the items of a run that was awaited. */
export interface SetSummary<Item = unknown> {
  readonly changed: number
  /** Items whose schedule was exactly so before. */
  readonly unchanged: number
  readonly failed: number
  /** Of the items that failed, the first 1000 whose failure was known. */
  readonly failures: readonly ItemFailure<Item>[]
}

/** What `setAll` returns: `await` sets everything, `for await` yields each result. Nothing is set before. */
export type SetRun<Item = unknown> = BulkRun<SetResult<Item>, SetSummary<Item>>

/** Times in the past: from `from` on, before `to`. */
export interface BackfillOptions {
  /** A `Date`, an ISO 8601 string with a zone, or `{ epochMilliseconds }`, as `at` of a schedule. */
  from: NonNullable<Due['at']>
  /** Likewise. @default now */
  to?: Due['at'] | undefined
}

export interface BackfillSummary {
  readonly scheduled: number
  readonly failed: number
  /** Of the times that failed, the first 1000 whose failure was known. */
  readonly failures: readonly ItemFailure<Date>[]
}

export interface RecurringListOptions {
  /** The id begins with this text. */
  idPrefix?: string | undefined
  /** The most schedules of a page, 1 to 1000. @default 100 */
  limit?: number | undefined
  /** The cursor of the page before. */
  cursor?: string | undefined
}

export interface RecurringPage {
  readonly schedules: readonly RecurringSchedule[]
  /** For the next page. Undefined on the last one. */
  readonly cursor: string | undefined
}

/**
 * Messages that are sent again and again, by a calendar or at an interval. Schedules live in the broker or the store, and are
 * kept when no process runs. A ticker schedules each occurrence a minute or more before its time: one runs in every process that
 * consumes, and in `dueque ticker`.
 *
 * An occurrence is an ordinary message with the id `<schedule>@<time>`: `delivery.scheduledFor` is that time. It is delivered at
 * least once and never before its time.
 */
export interface Recurring {
  /**
   * Sets a schedule: a new one, or in the place of the one with this id. Nothing changes if it is exactly so already. A changed
   * schedule begins with its first time after now; waiting occurrences of later times are cancelled, and come again by the new
   * one. Of several calls at once, the greatest revision wins.
   *
   * @param options without `paused`, a schedule that is paused stays so
   * @returns the schedule that is in force, which may be that of a call at the same time
   * @throws DuequeError `INVALID_OPTION`, `INVALID_PAYLOAD`, `DESTINATION_MISSING`, … with the outcome `refused`: nothing has
   * changed; `unknown`: it may be set. Repeat the call then
   * @example
   * await mq.recurring.set('report', {
   *   message: report, payload: { kind: 'daily' }, to: { queue: 'reports' }, cron: '0 9 * * *', tz: 'Europe/Berlin',
   * })
   */
  set<In>(id: string, options: RecurringOptions<In>): Promise<SetSchedule>
  /**
   * Sets many. One bad item does not stop the rest. `await` it to set everything: it resolves to counts and the first 1000
   * failures, and rejects only if the source does. Iterate it to get each result as it is known. Nothing is set before that.
   *
   * @throws DuequeError `INVALID_OPTION` if there is nothing to iterate
   */
  setAll<In, Item extends RecurringItem<In>>(items: Iterable<Item> | AsyncIterable<Item>): SetRun<Item>
  /** Removes a schedule, and cancels its waiting occurrences. False if there is no such schedule. */
  remove(id: string): Promise<boolean>
  /** Pauses a schedule, and cancels its waiting occurrences. False if there is no such schedule. */
  pause(id: string): Promise<boolean>
  /** Lets a paused schedule go on with its first time after now. False if there is no such schedule. */
  resume(id: string): Promise<boolean>
  /**
   * Sends one occurrence now, also of a paused schedule.
   *
   * @throws DuequeError `NO_SUCH_SCHEDULE`; as `schedule` does
   */
  trigger(id: string): Promise<Receipt>
  /**
   * Sends the occurrences of past times now, whether they were sent before or not, 100,000 at most. Their handlers see
   * `delivery.backfilled`.
   *
   * @throws DuequeError `NO_SUCH_SCHEDULE`; `INVALID_OPTION` for more times, or later ones than now; `INVALID_DUE`
   */
  backfill(id: string, options: BackfillOptions): Promise<BackfillSummary>
  get(id: string): Promise<RecurringSchedule | undefined>
  /** A page of the schedules, by id. Schedules that come or go meanwhile do not shift the pages. */
  list(options?: RecurringListOptions): Promise<RecurringPage>
  /**
   * The next times, without jitter. None while the schedule is paused.
   *
   * @param n how many, 1 to 1000. @default 10
   * @throws DuequeError `NO_SUCH_SCHEDULE`, `INVALID_OPTION`
   */
  next(id: string, n?: number): Promise<readonly Date[]>
}

/** With each strategy that keeps the definitions of recurring messages: all of this package. */
export interface RecurringMethods {
  readonly recurring: Recurring
}

import type { MessageDefinition } from '../message/definition.js'
import type { Destination } from '../message/destination.js'
import type { Due } from '../message/due.js'
import type { Duration } from '../message/duration.js'
import type { SendOptions } from '../schedule/schedule-options.js'

/** An instant, in one of the forms of {@link Due}'s `at`. */
export type Instant = Extract<Due, { in?: never }>['at']

/** Times by the calendar of a time zone. */
export interface CronTimes {
  /**
   * A cron pattern: `minute hour day-of-month month day-of-week`, with a field for seconds in front of them if there are six.
   * `'0 9 * * MON-FRI'` is 09:00 of each working day.
   *
   * - `*`, `5`, `1-5`, `1,3,5`; a step behind a star or a range (`10-40/10`); names of months and days (`JAN`, `MON`); 0 and 7 are
   *   Sunday;
   * - day of month: `L` is the last day, `15W` the working day nearest to the 15th in its month, `LW` the last working day;
   * - day of week: `FRI#2` is the second Friday of the month, `FRI#L` or `5L` the last one;
   * - `?` is `*` in the fields of days. If both of them are restricted, one of them is enough;
   * - `@hourly`, `@daily` or `@midnight`, `@weekly`, `@monthly`, `@yearly` or `@annually`.
   *
   * A pattern without stars and steps in seconds, minutes and hours has fixed times. A fixed time that the clocks skip is the first
   * instant after the gap, and of one that they show twice the first is taken. Other patterns go by what the clocks show: they
   * leave out skipped times and run in a repeated hour again.
   */
  cron: string
  /** The time zone of the pattern, such as `'Europe/Berlin'`. No offset, which knows no daylight saving time. @default 'UTC' */
  tz?: string | undefined
  every?: never
}

/** Times at a fixed interval, in real time. */
export interface EveryTimes {
  /**
   * The interval between two times, from 1 second to 3650 days. The first time is `from`. Without it, times are counted from the
   * epoch, moved by a part of the interval that the id decides, so that many schedules do not share one instant.
   */
  every: Duration
  cron?: never
  tz?: never
}

/** What is sent at each time, and until when. */
export interface RecurringContent<In = unknown> extends Pick<
  SendOptions,
  'headers' | 'priority' | 'expiresIn' | 'declare'
> {
  message: MessageDefinition<In, unknown>
  /** The payload of each occurrence. */
  payload: In
  /** A queue, or an exchange with a routing key. */
  to: Destination
  /** No time before this instant counts. A time at it does. */
  from?: Instant | undefined
  /** No time after this instant counts. A time at it does. */
  until?: Instant | undefined
  /**
   * The schedule ends with this many times, 1 to 1,000. They are counted by the calendar from when the schedule was set,
   * pauses left out: a time that is missed in an outage counts.
   */
  limit?: number | undefined
  /**
   * Moves each occurrence later by up to this duration, always the same for one time: 24 hours at most, and no longer than
   * `every`. @default 0
   */
  jitter?: Duration | undefined
  /**
   * What happens with times that are missed by more than 10 s because no ticker ran: `once` sends the last of them, `all` each of
   * them, `none` none. @default 'once'
   */
  catchUp?: 'once' | 'none' | 'all' | undefined
  /** Times that are missed by more than this are left out. @default '7d' */
  catchUpWindow?: Duration | undefined
  /**
   * Nothing is sent while it is `true`. Without the option a new schedule is active, and a present one stays as it is, so that a
   * service that sets its schedules at the start resumes none.
   */
  paused?: boolean | undefined
  /** For people: up to 1000 bytes. */
  note?: string | undefined
}

/** A message that is sent again and again: its content, and `cron` or `every`. */
export type RecurringOptions<In = unknown> = RecurringContent<In> & (CronTimes | EveryTimes)

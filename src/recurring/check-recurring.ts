import { anything, aText, checkOptions, flag, integer, oneOf, type Rule } from '../base/checks.js'
import { invalidOption, shown } from '../base/errors.js'
import { checkDefinition, encodePayload } from '../message/definition.js'
import { checkDestination } from '../message/destination.js'
import { MAX_DELAY_MS, parseInstant } from '../message/due.js'
import { parseDelay, type Duration } from '../message/duration.js'
import { checkHeaders } from '../message/headers.js'
import { checkText, PRIORITY } from '../schedule/schedule-options.js'
import { calendarOf } from './calendar.js'
import { MAX_TIMES, MIN_EVERY_MS, type RecurringDefinition } from './definition.js'
import { MAX_ID_BYTES } from './occurrence.js'
import { activeFrom } from './pausing.js'
import type { CronTimes, EveryTimes, RecurringContent, RecurringOptions } from './recurring-options.js'

const DAY_MS = 86_400_000
const MAX_NOTE_BYTES = 1000
const HALF_PAIR = /\p{Surrogate}/u

const aNote: Rule = (value) =>
  typeof value === 'string' && Buffer.byteLength(value) <= MAX_NOTE_BYTES
    ? undefined
    : `a text of up to ${MAX_NOTE_BYTES} bytes`

const RULES: Record<keyof RecurringContent | keyof CronTimes | keyof EveryTimes, Rule> = {
  // These are checked where they are read.
  message: anything,
  payload: anything,
  to: anything,
  cron: anything,
  every: anything,
  from: anything,
  until: anything,
  jitter: anything,
  catchUpWindow: anything,
  expiresIn: anything,
  headers: anything,
  tz: aText,
  limit: integer(1, MAX_TIMES),
  catchUp: oneOf('once', 'none', 'all'),
  priority: PRIORITY,
  paused: flag,
  note: aNote,
  declare: flag,
}

/**
 * The definition of what a caller gave, active from now on unless it is paused. Its revision is 0. A destination of the namespace's
 * own, and `declare`, are not looked at.
 *
 * @throws DuequeError for whatever cannot be used as it is, with the option in its text
 */
export async function checkRecurring<In>(
  id: string,
  options: RecurringOptions<In>,
  now: number,
): Promise<RecurringDefinition> {
  checkScheduleId(id)
  checkOptions(options, RULES)
  const { message, paused = false, limit, catchUp = 'once', note, priority, expiresIn } = options
  checkDefinition(message)
  const times = checkTimes(options)
  const definition: RecurringDefinition = {
    ...times,
    id,
    revision: 0,
    name: message.name,
    version: message.version,
    to: checkDestination(options.to),
    headers: checkHeaders(options.headers),
    priority,
    ...(limit !== undefined && { limit }),
    since: now,
    counted: 0,
    jitterMs: checkJitter(options.jitter ?? 0, times.everyMs),
    catchUp,
    catchUpWindowMs: delayMs('catchUpWindow', options.catchUpWindow ?? 7 * DAY_MS),
    expiresInMs: expiresIn === undefined ? undefined : delayMs('expiresIn', expiresIn, 1),
    paused,
    note,
    body: '',
  }
  assertRuns(definition, now)
  const body = Buffer.from(await encodePayload(message, options.payload)).toString()
  return { ...(paused ? definition : activeFrom(definition, now)), body }
}

/** @throws DuequeError `INVALID_OPTION` or `NAME_TOO_LONG` */
export function checkScheduleId(id: unknown): asserts id is string {
  checkText('id', id, MAX_ID_BYTES)
  if (HALF_PAIR.test(id)) throw invalidOption('id', 'no half of a surrogate pair', id)
}

type TimeOptions = Pick<RecurringContent, 'from' | 'until'> & (CronTimes | EveryTimes)
type Times = Pick<RecurringDefinition, 'cron' | 'tz' | 'everyMs' | 'from' | 'until'>

function checkTimes({ cron, tz, every, from, until }: TimeOptions): Times {
  if (cron === undefined && every === undefined) throw invalidOption('cron', 'a pattern, or `every`', cron)
  if (cron !== undefined && every !== undefined) throw invalidOption('every', 'none beside `cron`', every)
  if (cron === undefined && tz !== undefined) throw invalidOption('tz', 'none beside `every`, which needs no zone', tz)
  return {
    ...(cron === undefined ? { everyMs: delayMs('every', every, MIN_EVERY_MS) } : { cron, tz: tz ?? 'UTC' }),
    ...(from !== undefined && { from: parseInstant(from, 'from') }),
    ...(until !== undefined && { until: parseInstant(until, 'until') }),
  }
}

/** @throws DuequeError `INVALID_DUE` or `INVALID_OPTION` */
function delayMs(option: string, delay: unknown, leastMs = 0): number {
  const ms = parseDelay(delay, option)
  if (ms >= leastMs && ms <= MAX_DELAY_MS) return ms
  throw invalidOption(option, `${leastMs} ms to 3650 days`, delay)
}

function checkJitter(jitter: Duration, everyMs = DAY_MS): number {
  const jitterMs = parseDelay(jitter, 'jitter')
  if (jitterMs <= Math.min(everyMs, DAY_MS)) return jitterMs
  throw invalidOption('jitter', 'a duration of 24 hours at most, and no longer than `every`', jitter)
}

/** @throws DuequeError `INVALID_OPTION` for a schedule that can never run, or begins too late to wait for */
function assertRuns(definition: RecurringDefinition, now: number): void {
  const { cron, from, until = Infinity } = definition
  if (from !== undefined && from - now > MAX_DELAY_MS)
    throw invalidOption('from', 'an instant in 3650 days at most', new Date(from))
  if (from !== undefined && until < from) throw invalidOption('until', 'an instant after `from`', new Date(until))
  const first = calendarOf(definition).next(Math.max(now, (from ?? now) - 1))
  if (first === undefined) throw invalidOption('cron', 'a pattern with a time in the next ten years', cron)
  if (first - now > MAX_DELAY_MS) throw invalidOption('from', 'a first time in 3650 days at most', new Date(first))
  // Without `from`, a schedule whose end is over is one that has ended.
  if (from !== undefined && from > now && first > until)
    throw invalidOption('until', `an instant not before the first time, ${shown(new Date(first))}`, new Date(until))
}

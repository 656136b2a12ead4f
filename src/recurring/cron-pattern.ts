import { invalidOption, type DuequeError } from '../base/errors.js'
import {
  everyWeekday,
  lastDate,
  lastWeekday,
  lastWorkday,
  nearestWorkday,
  nthWeekday,
  ofDates,
  type Days,
} from './cron-days.js'

/** A cron pattern that was read. Its values are sorted. */
export interface CronPattern {
  readonly seconds: readonly number[]
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  /** Undefined for any date, as are the weekdays. */
  readonly dates: readonly Days[] | undefined
  /** From 1. */
  readonly months: readonly number[]
  readonly weekdays: readonly Days[] | undefined
  /** Neither a star nor a step in seconds, minutes and hours. */
  readonly isFixed: boolean
}

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  /** Texts for the values from `min` on. */
  readonly names?: readonly string[]
  /** Of a star and a step without an end. @default `max` */
  readonly end?: number
}

const SECOND: Field = { name: 'second', min: 0, max: 59 }
const MINUTE: Field = { name: 'minute', min: 0, max: 59 }
const HOUR: Field = { name: 'hour', min: 0, max: 23 }
const DATE: Field = { name: 'day of month', min: 1, max: 31 }
const MONTH_NAMES = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const MONTH: Field = { name: 'month', min: 1, max: 12, names: MONTH_NAMES }
const WEEKDAY_NAMES = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
const WEEKDAY: Field = { name: 'day of week', min: 0, max: 7, names: WEEKDAY_NAMES, end: 6 }

/** In characters: every value of every field has room. */
const MAX_LENGTH = 1000

const NICKNAMES: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

/** @throws DuequeError `INVALID_OPTION`, which names the field */
export function parseCron(cron: unknown): CronPattern {
  if (typeof cron !== 'string' || cron.length > MAX_LENGTH)
    throw invalidOption('cron', "a pattern such as '0 9 * * MON-FRI'", cron)
  const text = cron.trim().toUpperCase()
  const fields = (text.startsWith('@') ? (NICKNAMES[text.toLowerCase()] ?? '') : text).split(/\s+/)
  if (fields.length === 5) fields.unshift('0')
  const [second, minute, hour, date, month, weekday] = fields
  if (fields.length !== 6)
    throw invalidOption('cron', `five or six fields, or one of ${Object.keys(NICKNAMES).join(', ')}`, cron)
  return {
    seconds: sorted(valuesOf(second!, SECOND)),
    minutes: sorted(valuesOf(minute!, MINUTE)),
    hours: sorted(valuesOf(hour!, HOUR)),
    dates: isAny(date!) ? undefined : date!.split(',').map(datesOf),
    months: sorted(valuesOf(month!, MONTH)),
    weekdays: isAny(weekday!) ? undefined : weekday!.split(',').flatMap(weekdaysOf),
    isFixed: !/[*/]/.test(`${second} ${minute} ${hour}`),
  }
}

function isAny(field: string): boolean {
  return field === '*' || field === '?'
}

function datesOf(item: string): Days {
  if (item === 'L') return lastDate
  if (item === 'LW') return lastWorkday
  const [, near] = /^(\d+)W$/.exec(item) ?? []
  return near === undefined ? ofDates(valuesOf(item, DATE)) : nearestWorkday(numberOf(near, DATE))
}

function weekdaysOf(item: string): Days[] {
  const [, text, nth = 'L'] = /^([^#]+?)(?:#([1-5L])|L)$/.exec(item) ?? []
  if (text === undefined) return valuesOf(item, WEEKDAY).map((value) => everyWeekday(value % 7))
  const weekday = numberOf(text, WEEKDAY) % 7
  return [nth === 'L' ? lastWeekday(weekday) : nthWeekday(weekday, Number(nth))]
}

/** The values of a field: items with commas between them. */
function valuesOf(text: string, field: Field): number[] {
  return text.split(',').flatMap((item) => itemValues(item, field))
}

function itemValues(item: string, field: Field): number[] {
  const { min, max, end = max } = field
  const [, low, high, every] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(item) ?? []
  if (low === undefined || (low === '*' && high !== undefined))
    throw invalidField(field, 'a value, a range or a step', item)
  const step = Number(every ?? 1)
  if (step < 1 || step > max) throw invalidField(field, `a step from 1 to ${max}`, item)
  const from = low === '*' ? min : numberOf(low, field)
  let to = high === undefined ? from : numberOf(high, field)
  if (high === undefined && (low === '*' || every !== undefined)) to = end
  // Up to Sunday.
  if (field === WEEKDAY && high !== undefined && to === 0 && from > 0) to = 7
  if (to < from) throw invalidField(field, 'a range that goes up', item)
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step)
}

function numberOf(text: string, field: Field): number {
  const { min, max, names = [] } = field
  const named = names.indexOf(text)
  const value = named >= 0 ? min + named : /^\d{1,2}$/.test(text) ? Number(text) : NaN
  if (value >= min && value <= max) return value
  const orName = names.length > 0 ? ` or ${names[0]} to ${names.at(-1)}` : ''
  throw invalidField(field, `${min} to ${max}${orName}`, text)
}

function sorted(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b)
}

function invalidField({ name }: Field, expected: string, received: string): DuequeError<'INVALID_OPTION'> {
  return invalidOption('cron', `${expected} as ${name}`, received)
}

import { DuequeError, shown } from '../base/errors.js'

/**
 * How long something takes:
 *
 * - milliseconds as a number; a fraction of one counts as a whole one;
 * - a text of numbers and units, the largest unit first: `'250ms'`, `'90s'`, `'1h30m'`, `'1d 2h'`, `'5min'`, `'5 minutes'`,
 *   `'2w'`. A unit may be spelled out;
 * - ISO 8601: `'PT1H30M'`, `'P7D'`;
 * - an object: `{ minutes: 5 }`, `{ days: 1, hours: 2 }`;
 * - a `Temporal.Duration`.
 *
 * It is zero or more, and has no months or years, whose length is not fixed. A day has 24 hours, a week 7 days.
 */
export type Duration = number | string | DurationParts

/** The parts of a {@link Duration}, each zero or more. At least one is given. */
export interface DurationParts {
  readonly weeks?: number | undefined
  readonly days?: number | undefined
  readonly hours?: number | undefined
  readonly minutes?: number | undefined
  readonly seconds?: number | undefined
  readonly milliseconds?: number | undefined
}

const UNITS: Record<keyof DurationParts, { ms: number; text: string }> = {
  weeks: { ms: 604_800_000, text: 'w|weeks?' },
  days: { ms: 86_400_000, text: 'd|days?' },
  hours: { ms: 3_600_000, text: 'h|hrs?|hours?' },
  minutes: { ms: 60_000, text: 'm|mins?|minutes?' },
  seconds: { ms: 1000, text: 's|secs?|seconds?' },
  milliseconds: { ms: 1, text: 'ms|msecs?|milliseconds?' },
}
const NAMES = Object.keys(UNITS) as (keyof DurationParts)[]
const NUMBER = String.raw`(\d+(?:\.\d+)?)`
/** A space stands before a number or a unit, and not at the beginning. */
const TEXT = new RegExp(
  `^(?! )${Object.values(UNITS)
    .map(({ text }) => `(?: ?${NUMBER} ?(?:${text})(?![a-z]))?`)
    .join('')}$`,
)
const ISO = new RegExp(
  `^P(?:${NUMBER}W)?(?:${NUMBER}D)?(?:T(?=\\d)(?:${NUMBER}H)?(?:${NUMBER}M)?(?:${NUMBER}S)?)?$`,
  'i',
)
const EXPECTED = "a duration such as '250ms', '90s', '1h30m', '5 minutes', '7d', 'PT1H' or { minutes: 5 }"

/**
 * Milliseconds of a duration, rounded up to a whole one.
 *
 * @throws DuequeError `INVALID_DUE`
 */
export function parseDelay(delay: unknown, option = 'in'): number {
  if (typeof delay === 'number') {
    if (Number.isFinite(delay) && delay >= 0) return Math.ceil(delay)
    throw invalid(delay, `${option}: expected milliseconds, zero or more, got ${delay}`)
  }
  if (typeof delay === 'string') return parseText(delay, option, delay)
  if (typeof delay !== 'object' || delay === null)
    throw invalid(delay, `${option}: expected milliseconds or ${EXPECTED}, got ${shown(delay)}`)
  // Its parts are all there, zero or not. Its text has those that are not.
  if (Object.prototype.toString.call(delay) === '[object Temporal.Duration]')
    return parseText((delay as { toString(): string }).toString(), option, delay)
  return partsMs(delay, option)
}

function parseText(text: string, option: string, given: unknown): number {
  const parts = (TEXT.exec(text) ?? ISO.exec(text))?.slice(1)
  if (parts?.some((part) => part !== undefined)) return sumMs(parts)
  const isCalendar = /^-?P\d.*[YM]/i.test(text) && !/^-?P[^YM]*T/i.test(text)
  const hint = isCalendar ? '; months and years have no fixed length' : ''
  throw invalid(given, `${option}: expected ${EXPECTED}, got ${shown(text)}${hint}`)
}

function partsMs(delay: object, option: string): number {
  const given = Object.entries(delay).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) {
    if (name === 'months' || name === 'years')
      throw invalid(delay, `${option}: expected no ${name}; months and years have no fixed length`)
    if (!Object.hasOwn(UNITS, name)) throw invalid(delay, `${option}: expected ${NAMES.join(', ')}, got ${shown(name)}`)
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw invalid(delay, `${option}.${name}: expected a number, zero or more, got ${shown(value)}`)
  }
  if (given.length === 0) throw invalid(delay, `${option}: expected ${EXPECTED}, got ${shown(delay)}`)
  return sumMs(NAMES.map((name) => (delay as DurationParts)[name]))
}

/** @param parts in the order of {@link UNITS} */
function sumMs(parts: readonly (string | number | undefined)[]): number {
  const units = Object.values(UNITS)
  const ms = parts.reduce<number>((sum, part, i) => sum + (part === undefined ? 0 : Number(part) * units[i]!.ms), 0)
  // '0.1s' is 100 ms and not 100.00000000000001 rounded up.
  return Math.ceil(Number(ms.toPrecision(15)))
}

function invalid(value: unknown, message: string): DuequeError<'INVALID_DUE'> {
  return new DuequeError('INVALID_DUE', message, { value })
}

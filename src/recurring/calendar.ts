import { LATEST_MS } from '../base/clock.js'
import { digest } from '../base/digest.js'
import { invalidOption } from '../base/errors.js'
import { MAX_DELAY_MS } from '../message/due.js'
import { nextShown } from './cron-clock.js'
import { parseCron, type CronPattern } from './cron-pattern.js'
import { zoneOf, type Zone } from './zone.js'

/** The times of a schedule, without beginning and end. */
export interface Calendar {
  /** The first time later than `after`, both in milliseconds since the epoch. Undefined if there is none in ten years. */
  next(after: number): number | undefined
}

/** How times are written: `cron` with `tz`, or `everyMs`. */
export interface CalendarRule {
  readonly id: string
  readonly cron?: string
  readonly tz?: string
  readonly everyMs?: number
  readonly from?: number
}

const DAY_MS = 86_400_000
/** A pattern has no times before 1970, and none at the end of what a Date holds. */
const [BEGIN, END] = [-1, LATEST_MS - 2 * MAX_DELAY_MS]

/** The patterns that were used last, about 1 kB each: 100,000 schedules have few. */
const patterns = new Map<string, CronPattern>()
const MAX_PATTERNS = 1000

/**
 * The calendar of a rule: docs/decisions/055-the-calendar-is-our-own.md.
 *
 * @throws DuequeError `INVALID_OPTION` for a pattern that cannot be read, or a time zone that is not known here
 */
export function calendarOf({ id, cron, tz = 'UTC', everyMs, from }: CalendarRule): Calendar {
  if (everyMs !== undefined) return slots(everyMs, from ?? numberOf(id) % everyMs)
  const pattern = patternOf(cron)
  const zone = checkZone(tz)
  const next = pattern.isFixed ? nextFixed : nextMatch
  return { next: (after) => nearby(Math.max(after, BEGIN), (from) => next(pattern, zone, from)) }
}

/** An integer of 48 bits, the same for a text everywhere and always. */
export function numberOf(text: string): number {
  return digest(text, 6).readUIntBE(0, 6)
}

function slots(everyMs: number, phaseMs: number): Calendar {
  return { next: (after) => phaseMs + (Math.floor((after - phaseMs) / everyMs) + 1) * everyMs }
}

function patternOf(cron: string | undefined): CronPattern {
  const key = String(cron)
  const pattern = patterns.get(key) ?? parseCron(cron)
  // The last one again.
  patterns.delete(key)
  patterns.set(key, pattern)
  if (patterns.size > MAX_PATTERNS) patterns.delete(patterns.keys().next().value!)
  return pattern
}

function checkZone(tz: string): Zone {
  const zone = /^[A-Z]/i.test(tz) ? zoneOf(tz) : undefined
  if (zone) return zone
  const expected = /^(?:UTC|GMT)?[+-]?\d/i.test(tz)
    ? "a time zone such as 'Europe/Berlin', not an offset, which knows no daylight saving time"
    : "a time zone that is known here, such as 'Europe/Berlin'"
  throw invalidOption('tz', expected, tz)
}

/** The next time, unless it is too far away. */
function nearby(after: number, next: (after: number) => number | undefined): number | undefined {
  const time = after < END ? next(after) : undefined
  return time !== undefined && time - after <= MAX_DELAY_MS ? time : undefined
}

/** The next instant at which the clocks show a time of the pattern. */
function nextMatch(pattern: CronPattern, zone: Zone, after: number): number | undefined {
  for (let at = after; at - after <= MAX_DELAY_MS;) {
    const span = zone.spanAt(at + 1)
    const shown = nextShown(pattern, at + span.offsetMs)
    if (shown === undefined) return undefined
    if (shown - span.offsetMs < span.to) return shown - span.offsetMs
    at = span.to - 1
  }
  return undefined
}

/** The next instant at which the clocks show a time of the pattern, or a later one, for the first time. */
function nextFixed(pattern: CronPattern, zone: Zone, after: number): number | undefined {
  const span = zone.spanAt(after)
  const before = zone.spanAt(span.from - 1)
  // Clocks that were set back have shown more already.
  const shownBefore = Math.max(after + span.offsetMs, span.from - 1 + before.offsetMs)
  const shown = nextShown(pattern, shownBefore)
  return shown === undefined ? undefined : firstInstant(zone, shown)
}

function firstInstant(zone: Zone, shown: number): number {
  // No zone is a day from UTC.
  let span = zone.spanAt(shown - DAY_MS)
  while (shown - span.offsetMs >= span.to) span = zone.spanAt(span.to)
  return Math.max(shown - span.offsetMs, span.from)
}

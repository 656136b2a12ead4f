import { Cron } from 'croner'
import { LATEST_MS } from '../base/clock.js'
import { digest } from '../base/digest.js'
import { errorText, invalidOption } from '../base/errors.js'
import { zoneOffset } from '../base/zone-offset.js'
import { MAX_DELAY_MS } from '../message/due.js'

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

/** A pattern has no times before 1970, and none at the end of what a Date holds. */
const [BEGIN, END] = [-1, LATEST_MS - 2 * MAX_DELAY_MS]

/** The patterns that were used last, 81 kB each (croner 11.0.1): 100,000 schedules have few. */
const patterns = new Map<string, Calendar>()
const MAX_PATTERNS = 1000
/** In characters: every value of every field has room. */
const MAX_LENGTH = 1000
/** Answers of a pattern that are remembered: each took up to 0.1 ms. */
const MAX_ANSWERS = 16

/**
 * The calendar of a rule: docs/decisions/055-a-calendar-by-croner.md.
 *
 * @throws DuequeError `INVALID_OPTION` for a pattern that cannot be read, or a time zone that is not known here
 */
export function calendarOf({ id, cron, tz = 'UTC', everyMs, from }: CalendarRule): Calendar {
  return everyMs === undefined ? patternOf(cron, tz) : slots(everyMs, from ?? numberOf(id) % everyMs)
}

/** An integer of 48 bits, the same for a text everywhere and always. */
export function numberOf(text: string): number {
  if (text !== last.text) last = { text, number: digest(text, 6).readUIntBE(0, 6) }
  return last.number
}

/** One schedule asks for the number of its id several times in a row. */
let last: { readonly text: string | undefined; readonly number: number } = { text: undefined, number: 0 }

function slots(everyMs: number, phaseMs: number): Calendar {
  return { next: (after) => phaseMs + (Math.floor((after - phaseMs) / everyMs) + 1) * everyMs }
}

function patternOf(cron: string | undefined, tz: string): Calendar {
  const key = `${cron} ${tz}`
  const pattern = patterns.get(key) ?? readPattern(cron, tz)
  // The last one again.
  patterns.delete(key)
  patterns.set(key, pattern)
  if (patterns.size > MAX_PATTERNS) patterns.delete(patterns.keys().next().value!)
  return pattern
}

function readPattern(cron: unknown, timezone: string): Calendar {
  assertZone(timezone)
  if (typeof cron !== 'string' || cron.length > MAX_LENGTH)
    throw invalidOption('cron', "a pattern such as '0 9 * * MON-FRI'", cron)
  const next = remembering(nextOf(newCron(cron, timezone)))
  return {
    next(after) {
      const begin = Math.max(after, BEGIN)
      const time = begin < END ? next(begin) : Infinity
      // One that is too far away is none.
      return time - begin <= MAX_DELAY_MS ? time : undefined
    },
  }
}

function newCron(cron: string, timezone: string): Cron {
  try {
    return new Cron(cron, { timezone, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard', paused: true })
  } catch (error) {
    throw invalidOption('cron', `five or six fields, as in '0 9 * * MON-FRI' (${errorText(error)})`, cron)
  }
}

/** `Infinity` if the pattern has no further time. */
function nextOf(cron: Cron): (after: number) => number {
  return (after) => cron.nextRun(new Date(after))?.getTime() ?? Infinity
}

/** croner takes an offset for a zone, and looks at the zone only when it computes a time. */
function assertZone(tz: string): void {
  if (/^[A-Z]/i.test(tz) && zoneOffset(tz)) return
  const expected = /^(?:UTC|GMT)?[+-]?\d/i.test(tz)
    ? "a time zone such as 'Europe/Berlin', not an offset, which knows no daylight saving time"
    : "a time zone that is known here, such as 'Europe/Berlin'"
  throw invalidOption('tz', expected, tz)
}

/**
 * Remembers the last answers: schedules that share a pattern ask for the same times, and it takes a third of a second to find that a
 * pattern never runs.
 */
function remembering(next: (after: number) => number): (after: number) => number {
  const answers: { after: number; time: number }[] = []
  return (after) => {
    const known = answers.find((answer) => answer.after <= after && after < answer.time)
    if (known) return known.time
    const time = next(after)
    answers.unshift({ after, time })
    answers.length = Math.min(answers.length, MAX_ANSWERS)
    return time
  }
}

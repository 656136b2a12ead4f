import { LATEST_MS } from '../base/clock.js'
import { isDate } from 'node:util/types'
import { DuequeError, shown } from '../base/errors.js'
import { parseIso } from './instant.js'

/** When a message is due: `in` from now, or `at` an instant. One of the two. */
export type Due =
  | {
      /**
       * Milliseconds, or a duration: `'250ms'`, `'90s'`, `'1h30m'`, `'7d'`, `'2w'`, or ISO 8601 without months and
       * years, whose length is not fixed (`'PT1H30M'`, `'P7D'`).
       */
      in: number | string
      at?: never
    }
  | {
      /**
       * A `Date`, an ISO 8601 string, or an object with `epochMilliseconds`, as Temporal's Instant and ZonedDateTime have. A
       * time already past is due at once.
       *
       * A string has an offset (`'2026-11-23T09:00:00+01:00'`), a time zone (`'2026-11-23T09:00:00[Europe/Berlin]'`), or
       * both (RFC 9557), which must agree. A time zone alone is resolved by its rules as they are known now: a local time
       * that the clocks skip is refused, and of one that they show twice, the first is taken.
       */
      at: Date | string | { readonly epochMilliseconds: number }
      in?: never
    }

/**
 * The longest wait: ten years of 365 days, the longest `x-message-ttl` that RabbitMQ takes. Stores have the same, so that
 * strategies can be exchanged. rabbit_misc:check_expiry/1, since 3.10.2.
 */
export const MAX_DELAY_MS = 3650 * 86_400_000

/**
 * The due instant in milliseconds since the epoch, rounded up to a whole one: never early.
 *
 * @throws DuequeError `INVALID_DUE`, or `DELAY_OUT_OF_RANGE` beyond `maxDelayMs`
 */
export function resolveDue(due: Due, now: number, maxDelayMs: number): number {
  const { in: delay, at } = due as { in?: unknown; at?: unknown }
  if (delay !== undefined && at !== undefined) throw invalid(delay, 'expected `in` or `at`, got both')
  if (delay === undefined && at === undefined) throw invalid(undefined, 'expected `in` or `at`, got neither')
  const delayMs = delay === undefined ? parseInstant(at) - now : parseDelay(delay)
  if (delayMs > maxDelayMs) {
    const days = Math.floor(maxDelayMs / 86_400_000)
    throw new DuequeError('DELAY_OUT_OF_RANGE', `due in ${delayMs} ms, over the limit of ${days} days`, {
      delayMs,
      maxDelayMs,
    })
  }
  return Math.ceil(now + delayMs)
}

const UNIT_MS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
const NUMBER = String.raw`(\d+(?:\.\d+)?)`
const SHORT = new RegExp(
  `^${Object.keys(UNIT_MS)
    .map((unit) => `(?:${NUMBER}${unit})?`)
    .join('')}$`,
)
const ISO = new RegExp(
  `^P(?:${NUMBER}W)?(?:${NUMBER}D)?(?:T(?=\\d)(?:${NUMBER}H)?(?:${NUMBER}M)?(?:${NUMBER}S)?)?$`,
  'i',
)

/**
 * Milliseconds of a delay.
 *
 * @throws DuequeError `INVALID_DUE`
 */
export function parseDelay(delay: unknown, option = 'in'): number {
  if (typeof delay === 'number') {
    if (Number.isFinite(delay) && delay >= 0) return Math.ceil(delay)
    throw invalid(delay, `${option}: expected milliseconds, zero or more, got ${delay}`)
  }
  if (typeof delay !== 'string')
    throw invalid(delay, `${option}: expected milliseconds or a duration, got ${shown(delay)}`)
  const parts = (SHORT.exec(delay) ?? ISO.exec(delay))?.slice(1)
  if (parts?.some((part) => part !== undefined)) {
    const units = Object.values(UNIT_MS)
    const ms = parts.reduce((sum, part, i) => sum + (part === undefined ? 0 : Number(part) * units[i]!), 0)
    // '0.1s' is 100 ms and not 100.00000000000001 rounded up.
    return Math.ceil(Number(ms.toPrecision(15)))
  }
  const hint =
    /^-?P\d.*[YM]/i.test(delay) && !/^-?P[^YM]*T/i.test(delay) ? '; months and years have no fixed length' : ''
  throw invalid(
    delay,
    `${option}: expected a duration such as '250ms', '90s', '1h30m', '7d' or 'PT1H', got ${shown(delay)}${hint}`,
  )
}

/**
 * Milliseconds since the epoch; a fraction of a millisecond counts as a whole one.
 *
 * @throws DuequeError `INVALID_DUE`
 */
export function parseInstant(at: unknown, option = 'at'): number {
  if (typeof at === 'string') return parseText(at, option)
  const ms = isDate(at) ? at.getTime() : (at as { epochMilliseconds?: unknown } | null)?.epochMilliseconds
  if (typeof ms === 'number' && Math.abs(ms) <= LATEST_MS) return Math.ceil(ms)
  throw invalid(
    at,
    `${option}: expected a valid Date, an ISO 8601 string with an offset or a time zone, or { epochMilliseconds }, got ${shown(at)}`,
  )
}

function parseText(text: string, option: string): number {
  const parsed = parseIso(text)
  if (typeof parsed === 'number') return parsed
  throw invalid(text, `${option}: ${parsed.problem}, got ${shown(text)}`)
}

function invalid(value: unknown, message: string): DuequeError<'INVALID_DUE'> {
  return new DuequeError('INVALID_DUE', message, { value })
}

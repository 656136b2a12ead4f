import { LATEST_MS } from '../base/clock.js'
import { isDate } from 'node:util/types'
import { DuequeError, shown } from '../base/errors.js'
import { parseDelay, type Duration } from './duration.js'
import { parseIso } from './instant.js'

/** When a message is due: `in` from now, or `at` an instant. One of the two. */
export type Due =
  | {
      /**
       * The delay: milliseconds, a text such as `'90s'`, `'1h30m'`, `'5 minutes'`, `'7d'` or `'PT1H'`, `{ minutes: 5 }`, or a
       * `Temporal.Duration`. See {@link Duration}.
       */
      in: Duration
      at?: never
    }
  | {
      /**
       * The instant: a `Date`, an ISO 8601 string, or an object with `epochMilliseconds`, as Temporal's Instant and ZonedDateTime have. A
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

/**
 * Milliseconds since the epoch; a fraction of a millisecond counts as a whole one.
 *
 * @throws DuequeError `INVALID_DUE`
 */
export function parseInstant(at: unknown, option = 'at'): number {
  if (typeof at === 'string') return parseText(at, option)
  const ms = isDate(at) ? at.getTime() : (at as { epochMilliseconds?: unknown } | null)?.epochMilliseconds
  if (typeof ms === 'number' && Math.abs(ms) <= LATEST_MS) return Math.ceil(ms)
  const expected = 'a valid Date, an ISO 8601 string with an offset or a time zone, or { epochMilliseconds }'
  // Seconds or milliseconds: programs differ.
  const hint = typeof at === 'number' ? `. For milliseconds since 1970, write new Date(${at})` : ''
  throw invalid(at, `${option}: expected ${expected}, got ${shown(at)}${hint}`)
}

function parseText(text: string, option: string): number {
  const parsed = parseIso(text)
  if (typeof parsed === 'number') return parsed
  throw invalid(text, `${option}: ${parsed.problem}, got ${shown(text)}`)
}

function invalid(value: unknown, message: string): DuequeError<'INVALID_DUE'> {
  return new DuequeError('INVALID_DUE', message, { value })
}
